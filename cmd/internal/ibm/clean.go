package ibm

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mqttpki/mqttpki/ca"
)

// backupLayout dates the folder that keeps a removed CA.
const backupLayout = "20060102T150405Z"

// Made lists what the scripts have made and what is there now, by path: the files, and the CA's folder. The password
// file is not among them: the backup of the CA's key needs it.
func (s *Settings) Made() ([]string, error) {
	candidates := []string{
		s.CAKeyStore, s.CACert,
		s.Server.KeyStore, s.Server.Request, s.Server.CASigned, s.Server.SelfSigned,
		s.Client.KeyStore, s.ClientP12, s.ClientPEM, s.Client.Request, s.Client.CASigned, s.Client.SelfSigned,
		s.TrustCA.JKS, s.TrustCA.P12, s.TrustCA.PEM, s.TrustServer.JKS, s.TrustServer.P12, s.TrustServer.PEM,
		s.MQSCFile, s.MQLog, s.PKI,
	}
	var made []string
	for _, path := range candidates {
		if path == "" {
			continue
		}
		info, err := os.Lstat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("looking for what was made: %w", err)
		case info.Mode().IsRegular() && path != s.PKI, info.IsDir() && path == s.PKI && holdsCA(path):
			made = append(made, path)
		}
	}
	return made, nil
}

// holdsCA reports whether a folder is a PKI: a variable that names another one must not get that moved away.
func holdsCA(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, filepath.FromSlash(ca.RootCertPath)))
	return err == nil
}

// Clean removes the paths that Made returned. The CA's folder is renamed instead: nothing can make a lost CA again.
// Backup is its new name, "" when there was no CA.
func (j *Job) Clean(paths []string) (backup string, err error) {
	for _, path := range paths {
		if path != j.PKI {
			err = errors.Join(err, os.Remove(path))
			continue
		}
		name := fmt.Sprintf("%s.%s.bak", strings.TrimRight(filepath.Clean(path), `/\`), j.Now().UTC().Format(backupLayout))
		if renamed := os.Rename(path, name); renamed != nil {
			err = errors.Join(err, renamed)
			continue
		}
		backup = name
	}
	if err != nil {
		return backup, fmt.Errorf("removing what was made: %w", err)
	}
	return backup, nil
}
