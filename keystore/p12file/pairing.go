package p12file

import "github.com/mqttpki/mqttpki/keystore"

// judgePairing reports the keys that other programs give another certificate than their own, or none. Here the public keys
// decide; Java goes by ids and names, NSS by ids alone. What is still encrypted may change all of it.
func (d *decoder) judgePairing(s *keystore.Store) {
	if len(d.sealed) > 0 || len(d.keys) == 0 || len(d.certs) == 0 {
		return
	}
	java, nss := newJavaPairs(d.keys, d.certs), newNSSPairs(d.keys, d.certs)
	trusted := map[string]bool{} // public keys
	for _, a := range s.Anchors {
		trusted[a.Certificate.PublicID()] = true
	}
	saidNoID := false
	for i := range d.keys {
		k, leaf := &d.keys[i], s.Identities[i].Leaf()
		public := k.key.PublicID()
		if leaf != nil {
			d.judgeJava(k, public, java)
		}
		switch {
		case leaf == nil && (public == "" || !trusted[public]): // it has no certificate anywhere
		case k.identified:
			d.judgeNSS(k, public, nss)
		case !saidNoID:
			d.report.add("warning", "key-without-id", k.name, "the key has no localKeyID; by that alone NSS finds a key's certificate")
			saidNoID = true
		}
	}
}

// judgeJava reports what Java makes of a key whose certificate is in the file.
func (d *decoder) judgeJava(k *keyEntry, public string, pairs javaPairs) {
	switch k.java {
	case javaHidden: // another problem has said so
		return
	case javaDropped:
		d.report.add("error", "java-pairing", k.name, "Java leaves the key out: it is not the first, and has no localKeyID")
		return
	}
	found := pairs.leaf(&k.attributes)
	if found == none {
		d.report.add("error", "java-pairing", k.name, "Java does not find the certificate of the key by its localKeyID and name")
		return
	}
	cert := d.certs[found].cert
	if its := cert.PublicID(); public != "" && its != "" && its != public {
		d.report.add("error", "java-pairing", k.name, "Java gives the key the certificate of %s, by localKeyID and name, and that is for another key", cert.Subject())
	}
}

// judgeNSS does so for NSS and a key that has an id.
func (d *decoder) judgeNSS(k *keyEntry, public string, pairs nssPairs) {
	use := pairs[k.id]
	switch {
	case use.certs == 0:
		d.report.add("error", "nss-pairing", k.name, "no certificate has the localKeyID of the key, by which alone NSS finds it")
	case use.several || public != "" && use.public != "" && use.public != public:
		d.report.add("error", "nss-pairing", k.name, "a certificate for another key has the localKeyID of the key, by which alone NSS goes")
	}
}

// nssPairs is, by localKeyID, the certificates that NSS takes for a key's: all that have its id, trusted or not.
type nssPairs map[string]idUse

// idUse is how certificates use one id.
type idUse struct {
	certs   int
	public  string // the public key of the first
	several bool   // they have more than one
}

func newNSSPairs(keys []keyEntry, certs []certEntry) nssPairs {
	pairs := nssPairs{}
	for i := range keys {
		if keys[i].identified {
			pairs[keys[i].id] = idUse{}
		}
	}
	for i := range certs {
		c := &certs[i]
		use, wanted := pairs[c.id]
		if !wanted || !c.identified {
			continue
		}
		public := c.cert.PublicID()
		if use.certs++; use.public == "" {
			use.public = public
		}
		use.several = use.several || public != "" && public != use.public
		pairs[c.id] = use
	}
	return pairs
}
