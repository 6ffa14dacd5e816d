// Package targets is what all broker products have in common as targets of the channel model: the [Target] interface,
// the facts of a product as data, what it means to refuse or to lose something, and the material (keys, certificates,
// CRLs, password users) that goes into a product's files.
//
// It knows no product; each has a folder below, and package registry lists them. It trusts the model to be valid
// ([channels.Parse]) and the material to be the caller's own.
package targets

import (
	"io/fs"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/keystore"
)

// Target turns the model into one broker product's configuration. Implementations keep no state.
type Target interface {
	// Product returns the facts of the product.
	Product() Product
	// Check returns everything that the product cannot express (errors) and what is risky (warnings). A loss that
	// was accepted by name is a warning.
	Check(m Model) []Problem
	// Emit returns every file of the configuration, sorted by path. It is called with a model that Check has no
	// error for and material that fits it; see [Emit], which makes sure of both.
	Emit(m Model, mat Material) ([]File, error)
	// Commands says how to check, load, reload and stop what Emit wrote, once it is installed.
	Commands(m Model) []Command
}

// Model is a deployment with what the command line says about one target.
type Model struct {
	*channels.Deployment
	Version string // of the product; "" is what the target's block says, else Product.Default
	Accept  []Loss // losses accepted on the command line, beside those of the block
}

// Listener returns the listener of a name, or nil.
func (m Model) Listener(name string) *channels.Listener {
	for i := range m.Listeners {
		if m.Listeners[i].Name == name {
			return &m.Listeners[i]
		}
	}
	return nil
}

// Product is what is known of a broker product.
type Product struct {
	Name     string   // of the target on the command line: "mosquitto"
	Title    string   // for people: "Eclipse Mosquitto"
	Versions []string // that facts are known for, oldest first; a newer one is treated as the newest of them
	Default  string   // the version assumed when none is said
	Tried    []string // versions whose real program has run what is emitted here
	Formats  []string // key material it reads: "PEM", "JKS"
	Roots    bool     // it trusts a chain only up to a root: an intermediate alone as a trusted CA refuses everybody
	Owner    string   // who must be able to read private files, for a person
	Reload   string   // how a change of files takes effect
	Checking string   // how a configuration can be checked without starting it, or that it cannot
	Limits   []Limit  // what it cannot express, and its traps
}

// File is one file of a product's configuration: as it is written here, and where it belongs on the broker's machine.
type File struct {
	keystore.Artifact             // Owner is that on the broker's machine; Mode is 0600 here for anything secret
	Dest              string      // absolute path on the broker's machine; "" for what stays here
	DestMode          fs.FileMode // there
}

// Command is one thing to do with an installed configuration.
type Command struct {
	Purpose string   // "check", "start", "reload", "stop", ...
	Text    string   // for a person
	Argv    []string // the program and its arguments; nil where no single command does it
}
