package broker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/mqttpki/mqttpki/keystore"
)

// cause is why a connection was refused, stable for those who search logs.
type cause string

// The causes.
const (
	causeNoCertificate  cause = "no-certificate"
	causeUnknownCA      cause = "unknown-ca"
	causeExpired        cause = "expired"
	causeNotYetValid    cause = "not-yet-valid"
	causeRevoked        cause = "revoked"
	causeNoCRL          cause = "no-crl"
	causeStaleCRL       cause = "stale-crl"
	causeWrongRole      cause = "wrong-role"
	causeBadCertificate cause = "bad-certificate"
	causeNotTLS         cause = "not-tls"
	causeOldTLS         cause = "old-tls"
	causeNoCommon       cause = "no-common-cipher"
	causeClientRefused  cause = "client-refused"
	causeTimeout        cause = "timeout"
	causeGone           cause = "gone"
	causeIdentity       cause = "identity"
	causePassword       cause = "password"
	causeClientID       cause = "client-id"
	causeWill           cause = "will"
	causeProtocol       cause = "protocol"
	causeBusy           cause = "busy"
	causeOther          cause = "other"
)

// refusal is why a client may not do what it wants; text is for the broker's operator, not for the client.
type refusal struct {
	cause cause
	text  string
}

func (r *refusal) Error() string { return r.text }

func refuse(c cause, format string, args ...any) *refusal {
	return &refusal{c, fmt.Sprintf(format, args...)}
}

// explain says in plain words why a handshake failed.
func explain(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	if r := explainCertificate(err); r != nil {
		return r
	}
	var record tls.RecordHeaderError
	var timeout net.Error
	text := err.Error()
	switch {
	case errors.As(err, &record):
		return refuse(causeNotTLS, "it does not speak TLS: plain MQTT or HTTP to a TLS port")
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return refuse(causeTimeout, "it did not finish in time")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed):
		return refuse(causeGone, "it closed the connection during the handshake")
	case strings.Contains(text, "didn't provide a certificate"):
		return refuse(causeNoCertificate, "it sent no certificate, and this listener requires one")
	case strings.Contains(text, "unsupported versions"), strings.Contains(text, "unsupported protocol version"):
		return refuse(causeOldTLS, "it offers only TLS versions that are too old")
	case strings.Contains(text, "no cipher suite supported"), strings.Contains(text, "no supported elliptic curves"):
		return refuse(causeNoCommon, "it offers no cipher suite or curve that this listener accepts")
	case strings.Contains(text, "remote error: tls: unknown certificate authority"):
		return refuse(causeClientRefused, "the client does not trust the CA of the server's certificate")
	case strings.Contains(text, "remote error: tls:"):
		return refuse(causeClientRefused, "the client refused the server: %s", strings.TrimPrefix(text, "remote error: tls: "))
	case strings.Contains(text, "invalid signature by the client certificate"):
		return refuse(causeBadCertificate, "its key does not belong to the certificate it sent")
	case strings.Contains(text, "bad record MAC"):
		return refuse(causeClientRefused, "the client broke off: most likely it does not trust the server's certificate")
	}
	return refuse(causeOther, "%s", text)
}

// explainCertificate handles what certificate verification returns.
func explainCertificate(err error) *refusal {
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var verification *tls.CertificateVerificationError
	subject := "it"
	if errors.As(err, &verification) && len(verification.UnverifiedCertificates) > 0 {
		leaf := verification.UnverifiedCertificates[0]
		subject = fmt.Sprintf("the certificate %s of %q", serialText(leaf), printName(leaf.RawSubject))
	}
	switch {
	case errors.As(err, &unknown):
		return refuse(causeUnknownCA, "%s was issued by a CA that is not trusted here", subject)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if strings.Contains(invalid.Detail, "is before") {
			return refuse(causeNotYetValid, "%s is not valid yet: %s", subject, invalid.Detail)
		}
		return refuse(causeExpired, "%s has expired: %s", subject, invalid.Detail)
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return refuse(causeWrongRole, "%s is for another role, not for TLS clients", subject)
	case verification != nil:
		return refuse(causeBadCertificate, "%s does not verify: %v", subject, verification.Err)
	}
	return nil
}

// printName prints a distinguished name as OpenSSL and mosquitto do, in the order of the certificate.
func printName(der []byte) string {
	text, err := keystore.RFC2253(der)
	if err != nil {
		return hex.EncodeToString(der)
	}
	return text
}

// serialText is a serial number as the rest of mqttpki prints it: lower-case hex.
func serialText(c *x509.Certificate) string { return hex.EncodeToString(c.SerialNumber.Bytes()) }
