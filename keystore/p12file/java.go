package p12file

import (
	"strconv"

	"github.com/mqttpki/mqttpki/keystore"
)

// How Java (sun.security.pkcs12.PKCS12KeyStore, 8 to 25) takes a bag.
const (
	javaPlain   uint8 = iota // as it is marked
	javaAsFirst              // without a localKeyID, as if it had the one that Java lends to the first key
	javaDropped              // an encrypted private key that it leaves out
	javaHidden               // a bag that it does not look at
)

// lentID is the localKeyID that Java lends.
const lentID = "01"

// javaView follows what Java makes of the bags of a file, in their order.
type javaView struct {
	keys    int             // encrypted private keys so far
	unnamed int             // entries so far that Java named by counting
	names   map[string]bool // of entries that have one, folded
}

// javaBag marks a bag with how Java takes it, and reports an alias that is another entry's by Java's measure. First says
// that no bag is before it in its safe.
func (d *decoder) javaBag(kind string, first bool, a *attributes) {
	if d.nested > 0 {
		a.java = javaHidden
		return
	}
	j := &d.java
	switch kind {
	case oidShroudedBag:
		if j.keys++; a.identified {
			break
		}
		if j.keys > 1 {
			a.java = javaDropped
			return
		}
		a.java = javaAsFirst
	case oidCertBag:
		if first && !a.identified && j.keys == 1 {
			a.java = javaAsFirst
		}
		if !a.trusted { // no entry of its own
			return
		}
	case oidKeyBag: // what Java would call it counts where its owner comes to encrypt it
		a.java = javaHidden
		if !a.named {
			return
		}
	case oidSecretBag:
	default:
		a.java = javaHidden
		return
	}
	d.javaName(a)
}

// javaName gives an entry the name that Java gives it.
func (d *decoder) javaName(a *attributes) {
	j := &d.java
	switch {
	case a.named:
		name := keystore.FoldAlias(a.name)
		n, err := strconv.Atoi(name)
		if j.names[name] || err == nil && n > 0 && n <= j.unnamed && strconv.Itoa(n) == name {
			d.report.add("error", "duplicate-alias", a.name, "another entry has the same alias; Java sees only the last one")
		}
		if j.names == nil {
			j.names = map[string]bool{}
		}
		j.names[name] = true
	case len(d.sealed) > 0: // those in there count as well
	default:
		j.unnamed++
		a.number = int32(j.unnamed)
		if name := strconv.Itoa(j.unnamed); j.names[name] {
			d.report.add("error", "duplicate-alias", name, "Java counts entries without a name, and this is the name of another; it sees only the last one")
		}
	}
}

// javaID is the localKeyID that counts for Java, if there is one.
func (a *attributes) javaID() (id string, ok bool) {
	if a.java == javaAsFirst {
		return lentID, true
	}
	return a.id, a.identified
}

// javaAlias is the name that Java gives a key.
func (a *attributes) javaAlias() string {
	if a.number > 0 {
		return strconv.Itoa(int(a.number))
	}
	return a.name
}

// javaPairs finds certificates as Java does: the first with a key's id and name, else the last with its id, else the last
// with its name.
type javaPairs struct {
	exact, byID, byName map[string]int // "ID\x00name", id and name, the names folded
}

// newJavaPairs indexes what the keys may ask for.
func newJavaPairs(keys []keyEntry, certs []certEntry) javaPairs {
	p := javaPairs{map[string]int{}, map[string]int{}, map[string]int{}}
	ids, names := map[string]bool{}, map[string]bool{}
	for i := range keys {
		if id, ok := keys[i].javaID(); ok {
			ids[id] = true
		}
		names[keystore.FoldAlias(keys[i].javaAlias())] = true
	}
	for i := range certs {
		c := &certs[i].attributes
		if c.trusted || c.java == javaHidden {
			continue
		}
		id, identified := c.javaID()
		name := keystore.FoldAlias(c.name)
		if identified && ids[id] {
			p.byID[id] = i
			if c.named {
				remember(p.exact, id+"\x00"+name, i)
			}
		}
		if c.named && names[name] {
			p.byName[name] = i
		}
	}
	return p
}

// leaf is the place of the certificate that Java gives a key, or none.
func (p javaPairs) leaf(k *attributes) int {
	id, ok := k.javaID()
	name := keystore.FoldAlias(k.javaAlias())
	if ok {
		if i, found := p.exact[id+"\x00"+name]; found {
			return i
		}
		if i, found := p.byID[id]; found {
			return i
		}
	}
	if i, found := p.byName[name]; found {
		return i
	}
	return none
}
