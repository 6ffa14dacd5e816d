package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/ca"
	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// makePKI runs the commands that a person would, each unless its work is there already.
func (o *quickstartOptions) makePKI(ctx context.Context, host string) error {
	pass := filepath.Join(o.Dir, quickCAPass)
	if err := o.makePassword(pass); err != nil {
		return err
	}
	source := "file:" + pass
	steps := []struct {
		makes string // a file
		words []string
	}{
		{ca.RootCertPath, []string{"init-ca", "--ca-pass", source}},
		{ca.FilesOf(ca.RoleServer, host).Cert, append([]string{"issue", "server", host, "--ca-pass", source}, hostSANs(host)...)},
	}
	for _, name := range quickClients {
		steps = append(steps, struct {
			makes string
			words []string
		}{ca.FilesOf(ca.RoleClient, name).Cert, []string{"issue", "client", name, "--ca-pass", source, "--format", "pem,p12,jks"}})
	}
	for _, s := range steps {
		if exists(filepath.Join(o.pki, filepath.FromSlash(s.makes))) {
			continue
		}
		if err := o.do(ctx, s.words...); err != nil {
			return err
		}
	}
	return nil
}

// do runs one command of this program, in this process, and shows it.
func (o *quickstartOptions) do(ctx context.Context, words ...string) error {
	start := o.now()
	child := *o.deps
	child.json, child.quiet = false, true
	var out bytes.Buffer
	child.out = &out
	root := newRootCommand(&child)
	root.SetArgs(words)
	root.SetOut(&out)
	root.SetErr(o.err)
	if err := root.ExecuteContext(ctx); err != nil {
		return err
	}
	o.notice("  mqttpki %-70s %4d ms", strings.Join(words, " "), o.now().Sub(start).Milliseconds())
	return nil
}

// makePassword makes up a password in a 0600 file, unless there is one.
func (o *quickstartOptions) makePassword(path string) error {
	if exists(path) {
		return nil
	}
	secret, err := o.randomPassword()
	if err != nil {
		return err
	}
	_, err = safefile.Commit([]safefile.File{{Path: path, Data: append(slices.Clone([]byte(secret)), '\n'), Mode: 0o600}}, safefile.Options{Now: o.now})
	if err != nil {
		return fmt.Errorf("keeping the password: %w", err)
	}
	return nil
}

// makeModel writes the listener model and the password users, unless they are there. It says which ports it moved.
func (o *quickstartOptions) makeModel(host string) ([]string, error) {
	path := filepath.Join(o.pki, ca.ChannelsPath)
	if exists(path) {
		return nil, nil
	}
	model, err := channels.Preset("mtls", host)
	if err != nil {
		return nil, err
	}
	for i := range model.Listeners {
		model.Listeners[i].Bind = loopback
	}
	moved, err := o.freePorts(model)
	if err != nil {
		return nil, err
	}
	users, err := o.makeUsers()
	if err != nil {
		return nil, err
	}
	_, err = safefile.Commit([]safefile.File{
		{Path: path, Data: model.YAML(), Mode: 0o644},
		{Path: filepath.Join(o.pki, filepath.FromSlash(model.Users.File)), Data: users, Mode: 0o600},
	}, safefile.Options{Now: o.now})
	if err != nil {
		return nil, fmt.Errorf("writing the listener model: %w", err)
	}
	return moved, nil
}

// madeUpIterations is what a password of 160 random bits needs to be safe in a file: iterations protect passwords that
// can be guessed. Every login pays them, so they are mosquitto 2.1's own few.
const madeUpIterations = 1000

// makeUsers makes the password users, each password in a 0600 file.
func (o *quickstartOptions) makeUsers() ([]byte, error) {
	file, err := channels.ParseUsers(nil)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(o.Dir, quickUsers)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range quickUserNames {
		path := filepath.Join(dir, name+".pass")
		if err := o.makePassword(path); err != nil {
			return nil, err
		}
		secret, err := o.passwordFile(path)
		if err != nil {
			return nil, err
		}
		if err := file.Set(name, secret, madeUpIterations, o.random); err != nil {
			return nil, err
		}
	}
	return file.Bytes(), nil
}

// loopback is where a quickstart listens: nothing of it is for other machines.
const loopback = "127.0.0.1"

// freePorts replaces ports that are taken, and says so.
func (o *quickstartOptions) freePorts(m *channels.Deployment) ([]string, error) {
	var moved []string
	used := map[int]bool{}
	for _, l := range m.Listeners {
		used[l.Port] = true
	}
	for i := range m.Listeners {
		l := &m.Listeners[i]
		if probeListener, err := net.Listen("tcp", l.Address()); err == nil {
			_ = probeListener.Close()
			continue
		}
		port, err := freePort(l.Bind, used)
		if err != nil {
			return nil, fmt.Errorf("finding a free port for listener %q: %w", l.Name, err)
		}
		moved = append(moved, fmt.Sprintf("port %d is taken; %s listens on %d", l.Port, l.Name, port))
		l.Port = port
	}
	return moved, nil
}

// freePort asks the system for a port that no listener of the model uses.
func freePort(bind string, used map[int]bool) (int, error) {
	for range 20 {
		l, err := net.Listen("tcp", net.JoinHostPort(bind, "0"))
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		_ = l.Close()
		if !used[port] {
			used[port] = true
			return port, nil
		}
	}
	return 0, errors.New("every port offered is in use")
}

// hostName is this machine's name where it can stand in a certificate, else localhost.
func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	name = strings.ToLower(name)
	if _, _, err := ca.ServerSANs(name); err != nil {
		return "localhost"
	}
	return name
}

// hostSANs are the flags that put every name and address of this machine into its certificate.
func hostSANs(host string) []string {
	names := []string{host, "localhost", loopback, "::1"}
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && !ip.IP.IsLinkLocalUnicast() {
			names = append(names, ip.IP.String())
		}
	}
	slices.Sort(names[4:])
	var flags []string
	for _, n := range slices.Compact(names) {
		flags = append(flags, "--san", n)
	}
	return flags
}

// exists reports whether there is something at path.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}
