package ibm

import (
	"errors"
	"io/fs"
	"sync"

	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// Passwords finds the password of each store and key: its own variable, else the variable `password`, else what stands
// in the password file, else one is made up, and kept there before anything is encrypted with it. Several goroutines may
// ask at once.
type Passwords struct {
	Look   func(name string) (string, bool)           // a variable
	File   string                                     // the password file
	Read   func(path string) (keystore.Secret, error) // reads it; fs.ErrNotExist when there is none
	MakeUp func() (keystore.Secret, error)

	mutex  sync.Mutex
	common keystore.Secret // once it was found
	made   bool
}

// Of returns the password that the variable names.
func (p *Passwords) Of(variable string) (keystore.Secret, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if own, _ := p.Look(variable); own != "" {
		return keystore.Secret(own), nil
	}
	if p.common != nil {
		return p.common, nil
	}
	if all, _ := p.Look("password"); all != "" {
		p.common = keystore.Secret(all)
		return p.common, nil
	}
	var err error
	p.common, err = p.fromFile()
	return p.common, err
}

// Made reports whether a password was made up in this run.
func (p *Passwords) Made() bool { return p.made }

// fromFile reads the file, or makes both up.
func (p *Passwords) fromFile() (keystore.Secret, error) {
	secret, err := p.Read(p.File)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if secret, err = p.MakeUp(); err != nil {
		return nil, err
	}
	line := append(secret[:len(secret):len(secret)], '\n')
	if _, err := safefile.Commit([]safefile.File{{Path: p.File, Secret: true, Data: line}}, safefile.Options{}); err != nil {
		return nil, err
	}
	p.made = true
	return secret, nil
}
