package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
)

// The causes that a connection's end can be told to have. They are part of `verify --json`.
const (
	CauseNoCertificate  = "no certificate"
	CauseUnknownCA      = "unknown CA"
	CauseExpired        = "certificate expired"
	CauseBadCertificate = "certificate refused" // what several brokers answer for not yet valid, revoked and wrong role alike
	CauseRevoked        = "certificate revoked"
	CauseWrongRole      = "certificate for another use"
	CauseBadSignature   = "key does not belong to the certificate"
	CauseNotTLS         = "not TLS"
	CauseTLSVersion     = "TLS version refused"
	CauseHandshake      = "handshake refused"
	CauseServerName     = "wrong server name"
	CauseServerCA       = "server not trusted"
	CauseLogin          = "login refused"
	CauseDenied         = "denied by the access rules"
	CauseClosed         = "closed without a word" // reset, broken pipe or end of file in place of an alert
	CauseTimeout        = "no answer"
	CauseUnreachable    = "not reachable"
	CauseOther          = "other"
)

// TLS alerts (RFC 8446 section 6.2).
const (
	alertHandshakeFailure       tls.AlertError = 40
	alertBadCertificate         tls.AlertError = 42
	alertUnsupportedCertificate tls.AlertError = 43
	alertCertificateRevoked     tls.AlertError = 44
	alertCertificateExpired     tls.AlertError = 45
	alertCertificateUnknown     tls.AlertError = 46
	alertUnknownCA              tls.AlertError = 48
	alertAccessDenied           tls.AlertError = 49
	alertDecryptError           tls.AlertError = 51
	alertProtocolVersion        tls.AlertError = 70
	alertCertificateRequired    tls.AlertError = 116
)

// alertCauses is what each alert from a broker says of the client's certificate.
var alertCauses = map[tls.AlertError]string{
	alertHandshakeFailure:       CauseHandshake,
	alertBadCertificate:         CauseBadCertificate,
	alertUnsupportedCertificate: CauseWrongRole,
	alertCertificateRevoked:     CauseRevoked,
	alertCertificateExpired:     CauseExpired,
	alertCertificateUnknown:     CauseBadCertificate,
	alertUnknownCA:              CauseUnknownCA,
	alertAccessDenied:           CauseBadCertificate,
	alertDecryptError:           CauseBadSignature,
	alertProtocolVersion:        CauseTLSVersion,
	alertCertificateRequired:    CauseNoCertificate,
}

// causeOf says in a fixed vocabulary why a connection ended.
func causeOf(err error) string {
	var alert tls.AlertError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var refused *errRefused
	var network net.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refused):
		if refused.packet == "CONNACK" {
			return CauseLogin
		}
		return CauseDenied
	case errors.As(err, &host):
		return CauseServerName
	case errors.As(err, &authority), errors.As(err, &invalid):
		return CauseServerCA
	case errors.As(err, &record):
		return CauseNotTLS
	case errors.As(err, &alert):
		if cause, ok := alertCauses[alert]; ok {
			return cause
		}
		return CauseHandshake
	case remoteAlert(err) != "":
		return remoteAlert(err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return CauseUnreachable
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET),
		errors.Is(err, syscall.EPIPE), errors.Is(err, net.ErrClosed), errors.Is(err, errLost):
		return CauseClosed
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &network) && network.Timeout():
		return CauseTimeout
	}
	return CauseOther
}

// remoteAlert finds the cause of an alert received over TCP, which crypto/tls wraps in a net.OpError with a type of its
// own that it does not export; its texts are the only way to it.
func remoteAlert(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	for alert, cause := range alertCauses {
		if op.Err.Error() == alert.Error() {
			return cause
		}
	}
	return CauseHandshake
}

// errLost is the broker ending a session.
var errLost = errors.New("the broker closed the connection")

// words shortens an error to what is worth a table's cell.
func words(err error) string {
	if causeOf(err) == CauseClosed {
		return "the connection was closed"
	}
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	for _, noise := range []string{"remote error: ", "local error: ", "network Error : ", "tls: "} {
		text = strings.ReplaceAll(text, noise, "")
	}
	const limit = 120
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "..."
	}
	return text
}

// plausible reports whether a refusal with this cause is the refusal that a case is about. Brokers word the same
// refusal differently (reference: their alerts for one certificate), and some only close; a cause that contradicts the
// case means that something else is wrong, such as a stale CRL that refuses everybody.
func plausible(cause string, wanted ...string) bool {
	return cause == CauseClosed || slices.Contains(wanted, cause)
}
