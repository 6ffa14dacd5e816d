package channels

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mqttpki/mqttpki/keystore"
)

// DefaultIterations of PBKDF2-HMAC-SHA512 for a new password: OWASP's 2023 figure. mosquitto writes 101 of its own
// accord and reads any number; its one thread derives at every connection, some 0.1 s with this one.
const DefaultIterations = 210_000

// Bounds of a password file.
const (
	maxUsersFile  = 32 << 20
	maxUsers      = 200_000
	maxUserLine   = 1024 // bytes
	maxPassword   = 65535
	saltBytes     = 12 // what mosquitto writes, and the only length that its releases before 2.0 read
	maxIterations = 5_000_000
)

// UserFile is a password file in mosquitto's form: a line "name:$7$ITERATIONS$SALT$HASH" (PBKDF2-HMAC-SHA512) for each
// user, also "$6$SALT$HASH" (one SHA-512) on reading; blank lines and lines that begin with # are kept. A UserFile is
// safe for concurrent Verify, not for Set and Remove beside it. Its zero value is an empty file.
type UserFile struct {
	lines []userLine
	index map[string]int // by user, into lines
}

// userLine is one line; name is "" for a comment or blank line.
type userLine struct {
	text       string
	name       string
	iterations int // 0 for $6$
	salt, hash []byte
}

// ParseUsers reads a password file. Errors name the line and wrap [keystore.ErrFormat], [keystore.ErrTooLarge] or, for
// hashes of another kind, [keystore.ErrUnsupported].
func ParseUsers(data []byte) (*UserFile, error) {
	if len(data) > maxUsersFile {
		return nil, fmt.Errorf("reading password users: %d bytes, %d allowed: %w", len(data), maxUsersFile, keystore.ErrTooLarge)
	}
	u := &UserFile{index: map[string]int{}}
	number := 0
	for text := range strings.Lines(string(data)) {
		number++
		line, err := parseUserLine(strings.TrimRight(text, "\r\n"))
		if err != nil {
			return nil, fmt.Errorf("reading password users: line %d: %w", number, err)
		}
		if line.name != "" {
			if _, twice := u.index[line.name]; twice {
				return nil, fmt.Errorf("reading password users: line %d: user %q stands there before: %w", number, line.name, keystore.ErrFormat)
			}
			if len(u.index) >= maxUsers {
				return nil, fmt.Errorf("reading password users: more than %d: %w", maxUsers, keystore.ErrTooLarge)
			}
			u.index[line.name] = len(u.lines)
		}
		u.lines = append(u.lines, line)
	}
	return u, nil
}

// parseUserLine reads one line without its end.
func parseUserLine(text string) (userLine, error) {
	line := userLine{text: text}
	switch {
	case len(text) > maxUserLine:
		return line, fmt.Errorf("%d bytes, %d allowed: %w", len(text), maxUserLine, keystore.ErrTooLarge)
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return line, fmt.Errorf("not UTF-8 without control characters: %w", keystore.ErrFormat)
	case strings.TrimSpace(text) == "" || text[0] == '#':
		return line, nil
	}
	name, record, ok := strings.Cut(text, ":")
	if !ok || name == "" || name != strings.TrimSpace(name) {
		return line, fmt.Errorf("not of the form name:hash: %w", keystore.ErrFormat)
	}
	line.name = name
	fields := strings.Split(record, "$")
	if len(fields) < 2 || fields[0] != "" {
		return line, fmt.Errorf("user %q: the password is not hashed: %w", name, keystore.ErrFormat)
	}
	var err error
	switch {
	case fields[1] == "6" && len(fields) == 4:
		fields = fields[2:]
	case fields[1] == "7" && len(fields) == 5:
		if line.iterations, err = parseIterations(fields[2]); err != nil {
			return line, fmt.Errorf("user %q: %w", name, err)
		}
		fields = fields[3:]
	case fields[1] == "6" || fields[1] == "7":
		return line, fmt.Errorf("user %q: malformed hash: %w", name, keystore.ErrFormat)
	default:
		return line, fmt.Errorf("user %q: a hash of the kind $%s$: %w", name, fields[1], keystore.ErrUnsupported)
	}
	line.salt, err = base64.StdEncoding.Strict().DecodeString(fields[0])
	if err == nil {
		line.hash, err = base64.StdEncoding.Strict().DecodeString(fields[1])
	}
	if err != nil || len(line.salt) == 0 || len(line.hash) != sha512.Size {
		return line, fmt.Errorf("user %q: malformed salt or hash: %w", name, keystore.ErrFormat)
	}
	return line, nil
}

func parseIterations(text string) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil || n < 1:
		return 0, fmt.Errorf("malformed number of iterations: %w", keystore.ErrFormat)
	case n > maxIterations:
		return 0, fmt.Errorf("%d iterations, %d allowed: %w", n, maxIterations, keystore.ErrTooLarge)
	}
	return n, nil
}

// Names returns the users in the order of the file.
func (u *UserFile) Names() []string {
	var names []string
	for _, line := range u.lines {
		if line.name != "" {
			names = append(names, line.name)
		}
	}
	return names
}

// Has reports whether there is such a user.
func (u *UserFile) Has(name string) bool {
	_, ok := u.index[name]
	return ok
}

// Credential stands for a user's password as it is stored: it changes whenever the password is set anew, tells nothing
// of it, and is zero for a user that does not exist.
func (u *UserFile) Credential(name string) [sha256.Size]byte {
	i, ok := u.index[name]
	if !ok {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256([]byte(u.lines[i].text))
}

// nobody is derived for users that do not exist, so that the time taken does not tell who does. It costs what the
// file's first user costs; in a file whose users differ in cost the time tells them apart anyway.
func (u *UserFile) nobody() userLine {
	line := userLine{iterations: DefaultIterations, salt: make([]byte, saltBytes), hash: make([]byte, sha512.Size)}
	for _, l := range u.lines {
		if l.name != "" {
			line.iterations = l.iterations
			break
		}
	}
	return line
}

// Verify reports whether the user exists and has this password. Hashes are compared in constant time, and an unknown
// user costs what a known one does.
func (u *UserFile) Verify(name string, password keystore.Secret) bool {
	var line userLine
	i, known := u.index[name]
	if known {
		line = u.lines[i]
	} else {
		line = u.nobody()
	}
	if len(password) > maxPassword {
		return false
	}
	got, err := line.derive(password)
	return err == nil && subtle.ConstantTimeCompare(got, line.hash) == 1 && known
}

// derive hashes a password as the line says.
func (l userLine) derive(password keystore.Secret) ([]byte, error) {
	if l.iterations == 0 {
		sum := sha512.Sum512(append(bytes.Clone(password), l.salt...))
		return sum[:], nil
	}
	return pbkdf2.Key(sha512.New, string(password), l.salt, l.iterations, sha512.Size)
}

// Set adds a user or changes its password. The name must be safe ([SafeUserName]); iterations 0 means
// [DefaultIterations]; the salt is read from random.
func (u *UserFile) Set(name string, password keystore.Secret, iterations int, random io.Reader) error {
	if !SafeUserName(name) {
		return fmt.Errorf("setting the password of %q: a user's name is letters, digits, dot, underscore and hyphen, 64 at most: %w", name, keystore.ErrFormat)
	}
	if len(password) == 0 || len(password) > maxPassword || bytes.IndexByte(password, 0) >= 0 {
		return fmt.Errorf("setting the password of %q: it is empty, longer than %d bytes or holds a NUL: %w", name, maxPassword, keystore.ErrFormat)
	}
	if iterations == 0 {
		iterations = DefaultIterations
	}
	if iterations < 0 || iterations > maxIterations {
		return fmt.Errorf("setting the password of %q: %d iterations, 1 to %d allowed: %w", name, iterations, maxIterations, keystore.ErrTooLarge)
	}
	line := userLine{name: name, iterations: iterations, salt: make([]byte, saltBytes)}
	if _, err := io.ReadFull(random, line.salt); err != nil {
		return fmt.Errorf("setting the password of %q: %w", name, err)
	}
	var err error
	if line.hash, err = line.derive(password); err != nil {
		return fmt.Errorf("setting the password of %q: %w", name, err)
	}
	line.text = fmt.Sprintf("%s:$7$%d$%s$%s", name, iterations,
		base64.StdEncoding.EncodeToString(line.salt), base64.StdEncoding.EncodeToString(line.hash))
	if i, ok := u.index[name]; ok {
		u.lines[i] = line
		return nil
	}
	if u.index == nil {
		u.index = map[string]int{}
	}
	u.index[name] = len(u.lines)
	u.lines = append(u.lines, line)
	return nil
}

// Remove takes a user out and reports whether there was one.
func (u *UserFile) Remove(name string) bool {
	i, ok := u.index[name]
	if !ok {
		return false
	}
	u.lines = append(u.lines[:i:i], u.lines[i+1:]...)
	delete(u.index, name)
	for other, at := range u.index {
		if at > i {
			u.index[other] = at - 1
		}
	}
	return true
}

// Bytes returns the file.
func (u *UserFile) Bytes() []byte {
	var b bytes.Buffer
	for _, line := range u.lines {
		b.WriteString(line.text + "\n")
	}
	return b.Bytes()
}
