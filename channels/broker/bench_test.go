//go:build unix

package broker

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"
	"github.com/stretchr/testify/require"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/pemfile"
	"github.com/mqttpki/mqttpki/testdata/interop"
)

// Servers that are measured run in a process of their own, which is this test's program started again: what a client
// costs must not be counted with them.
const (
	benchServer = "MQTTPKI_BENCH_SERVER" // "bare" or "broker"
	benchDir    = "MQTTPKI_BENCH_DIR"    // where server.pem, root.pem, all.crl lie
)

func TestMain(m *testing.M) {
	if kind := os.Getenv(benchServer); kind != "" {
		if err := serveBench(kind, os.Getenv(benchDir)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveBench serves on a free port, prints the address, and answers each line of standard input with the processor
// time used so far, in nanoseconds.
func serveBench(kind, dir string) error {
	d, m, err := benchMaterial(dir)
	if err != nil {
		return err
	}
	var address string
	if kind == "bare" {
		address, err = serveBare(m)
	} else {
		var b *Broker
		if b, err = New(d, m, Options{Now: time.Now, Random: rand.Reader}); err == nil {
			err = b.Start(context.Background())
			address = b.Addresses()[required]
		}
	}
	if err != nil {
		return err
	}
	fmt.Println(address)
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			return err
		}
		fmt.Println(usage.Utime.Nano() + usage.Stime.Nano())
	}
	return nil
}

func benchMaterial(dir string) (*channels.Deployment, Material, error) {
	var m Material
	read := func(name string) *keystore.Store {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			panic(err)
		}
		store, err := pemfile.Codec{}.Decode(data, keystore.DecodeOptions{})
		if err != nil {
			panic(err)
		}
		return store
	}
	m.Identity = read("server.pem").Identities[0]
	trust := TrustMaterial{}
	roots := read("root.pem")
	for _, a := range append(roots.Anchors, roots.Loose...) {
		trust.Anchors = append(trust.Anchors, a.Certificate.X509)
	}
	crl, err := os.ReadFile(filepath.Join(dir, "all.crl"))
	trust.CRLs = []CRLFile{{"all.crl", crl}}
	m.Trust = []TrustMaterial{trust}
	return &channels.Deployment{Trust: []channels.Trust{{CA: channels.Self}}, Revocation: channels.Revocation{CRL: true},
		Listeners: []channels.Listener{{Name: required, Bind: "127.0.0.1", Transport: channels.TLS, ClientCertificate: channels.CertificateRequired,
			Identity: channels.Identity{User: channels.UserCN, ClientID: channels.ClientIDOwned}}},
		Access: []channels.Rule{rule("*", "devices/{user}/#")}}, m, err
}

// serveBare is what crypto/tls alone does: handshake, then read until the client goes.
func serveBare(m Material) (string, error) {
	cert, err := certificate(&m.Identity)
	if err != nil {
		return "", err
	}
	pool := x509.NewCertPool()
	for _, a := range m.Trust[0].Anchors {
		pool.AddCert(a)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{*cert}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	if err != nil {
		return "", err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_, _ = io.Copy(io.Discard, conn)
			}()
		}
	}()
	return l.Addr().String(), nil
}

// measured is a server in its own process.
type measured struct {
	cmd     *exec.Cmd
	in      io.Writer
	out     *bufio.Reader
	address string
}

func startMeasured(b *testing.B, kind, dir string) *measured {
	b.Helper()
	m := &measured{cmd: exec.Command(os.Args[0])}
	m.cmd.Env = append(os.Environ(), benchServer+"="+kind, benchDir+"="+dir)
	m.cmd.Stderr = os.Stderr
	in, err := m.cmd.StdinPipe()
	require.NoError(b, err)
	out, err := m.cmd.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, m.cmd.Start())
	b.Cleanup(func() { _ = in.Close(); _ = m.cmd.Wait() })
	m.in, m.out = in, bufio.NewReader(out)
	line, err := m.out.ReadString('\n')
	require.NoError(b, err)
	m.address = strings.TrimSpace(line)
	return m
}

// cpu is the processor time that the server has used.
func (m *measured) cpu(b *testing.B) time.Duration {
	b.Helper()
	_, err := fmt.Fprintln(m.in)
	require.NoError(b, err)
	line, err := m.out.ReadString('\n')
	require.NoError(b, err)
	n, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	require.NoError(b, err)
	return time.Duration(n)
}

// benchFiles writes what the servers read and returns how a client dials them.
func benchFiles(b *testing.B) (dir string, client *tls.Config) {
	b.Helper()
	ca := newAuthority(b, "self")
	server, dev := ca.server(), ca.client("dev1")
	for i := range 1000 { // an honest CRL
		ca.revoked = append(ca.revoked, x509.RevocationListEntry{SerialNumber: ca.issuing.SerialNumber, RevocationTime: time.Now().Add(-time.Duration(i+1) * time.Minute)})
		ca.revoked[i].SerialNumber = newSerial(i)
	}
	dir = b.TempDir()
	key, err := x509.MarshalPKCS8PrivateKey(server.key)
	require.NoError(b, err)
	write := func(name string, parts ...[]byte) {
		require.NoError(b, os.WriteFile(filepath.Join(dir, name), bytes.Join(parts, nil), 0o600))
	}
	write("server.pem", pemOf("PRIVATE KEY", key), pemOf("CERTIFICATE", server.cert.Raw), pemOf("CERTIFICATE", ca.issuing.Raw))
	write("server.key", pemOf("PRIVATE KEY", key))
	write("root.pem", pemOf("CERTIFICATE", ca.root.Raw), pemOf("CERTIFICATE", ca.issuing.Raw))
	write("all.crl", ca.crls())
	pool := x509.NewCertPool()
	pool.AddCert(ca.root)
	return dir, &tls.Config{RootCAs: pool, ServerName: "localhost", Certificates: []tls.Certificate{dev.tls}}
}

// BenchmarkHandshake compares the processor time of the server for a full mutual TLS 1.3 handshake: the broker, with
// its CRL, beside crypto/tls alone, in turns in one run. The promise is a ratio of at most 1.25.
func BenchmarkHandshake(b *testing.B) {
	dir, config := benchFiles(b)
	bare, broker := startMeasured(b, "bare", dir), startMeasured(b, "broker", dir)
	const block = 100
	round := func(m *measured) float64 {
		before := m.cpu(b)
		for range block {
			conn, err := tls.Dial("tcp", m.address, config)
			require.NoError(b, err)
			_ = conn.CloseWrite()
			_, _ = io.Copy(io.Discard, conn) // the server has closed: its work is done
			_ = conn.Close()
		}
		return float64(m.cpu(b)-before) / block
	}
	round(bare)
	round(broker)
	var bares, brokers []float64
	for b.Loop() {
		bares, brokers = append(bares, round(bare)), append(brokers, round(broker))
	}
	slices.Sort(bares)
	slices.Sort(brokers)
	one, other := bares[len(bares)/2], brokers[len(brokers)/2]
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(one/1e3, "bare-cpu-µs/handshake")
	b.ReportMetric(other/1e3, "broker-cpu-µs/handshake")
	b.ReportMetric(other/one, "ratio")
}

// BenchmarkIdleConnection states the resident memory of one idle mutual TLS connection: of the broker and of mosquitto
// after CONNECT, of crypto/tls alone after its handshake. It is measured once, whatever b.N is.
func BenchmarkIdleConnection(b *testing.B) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		b.Skip("there is no /proc to read resident memory from")
	}
	const connections = 1000
	dir, config := benchFiles(b)
	for _, kind := range []string{"bare", "broker", "mosquitto"} {
		b.Run(kind, func(b *testing.B) {
			var pid int
			var address string
			if kind == "mosquitto" {
				pid, address = startMosquitto(b, dir)
			} else {
				m := startMeasured(b, kind, dir)
				pid, address = m.cmd.Process.Pid, m.address
			}
			open := func(n, from int) (conns []net.Conn) {
				for i := range n {
					conn, err := tls.Dial("tcp", address, config)
					require.NoError(b, err)
					if kind != "bare" {
						connectIdle(b, conn, fmt.Sprint("idle", from+i))
					}
					conns = append(conns, conn)
				}
				return conns
			}
			warm := open(10, connections)
			before := residentMemory(b, pid)
			conns := append(open(connections, 0), warm...)
			time.Sleep(time.Second)
			each := float64(residentMemory(b, pid)-before) / connections
			for _, c := range conns {
				_ = c.Close()
			}
			for b.Loop() {
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(each/1024, "KiB/connection")
		})
	}
}

func connectIdle(b *testing.B, conn net.Conn, id string) {
	b.Helper()
	pk := packets.Packet{ProtocolVersion: 4, FixedHeader: packets.FixedHeader{Type: packets.Connect},
		Connect: packets.ConnectParams{ProtocolName: []byte("MQTT"), ClientIdentifier: id, Clean: true, Keepalive: 600}}
	var buf bytes.Buffer
	require.NoError(b, pk.ConnectEncode(&buf))
	_, err := conn.Write(buf.Bytes())
	require.NoError(b, err)
	ack := make([]byte, 4)
	_, err = io.ReadFull(conn, ack)
	require.NoError(b, err)
	require.Zero(b, ack[3])
}

func residentMemory(b *testing.B, pid int) int64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	_, rest, ok := strings.Cut(string(data), "VmRSS:")
	require.True(b, ok)
	kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
	require.NoError(b, err)
	return kib << 10
}

func startMosquitto(b *testing.B, dir string) (pid int, address string) {
	b.Helper()
	program := interop.Need(b, "mosquitto")
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	address = free.Addr().String()
	_, port, _ := net.SplitHostPort(address)
	require.NoError(b, free.Close())
	conf := filepath.Join(dir, "mosquitto.conf")
	text := fmt.Sprintf("listener %s 127.0.0.1\ncafile %[2]s/root.pem\ncertfile %[2]s/server.pem\nkeyfile %[2]s/server.key\nrequire_certificate true\nuse_identity_as_username true\nuser root\n", port, dir)
	require.NoError(b, os.WriteFile(conf, []byte(text), 0o600))
	cmd := exec.Command(program, "-c", conf)
	require.NoError(b, cmd.Start())
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.Eventually(b, func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, testPatience, 10*time.Millisecond)
	return cmd.Process.Pid, address
}
