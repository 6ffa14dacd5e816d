package convert

import "github.com/mqttpki/mqttpki/keystore"

// Reencryption says of one part how it was protected and how it will be. Parts that stay as they are protected, be it
// with another salt or password, have none.
type Reencryption struct {
	Source string // Source.Name of the file that it was in
	Part   string // "key", "certificates" or "mac", as in [keystore.Protection]
	Entry  string // of a key: what it is called in the result; "" for what belongs to the whole file
	From   keystore.Protection
	To     keystore.Protection
}

// Unprotected is the Algorithm of a part that nothing protects.
const Unprotected = "none"

// reencryptions compares how the sources' parts were protected with how the result's will be. Keys are known again by
// their bytes; what protects a whole file is compared for each source.
func reencryptions(sources []Source, fitted *keystore.Store) []Reencryption {
	var list []Reencryption
	add := func(r Reencryption) {
		if r.From.Algorithm != r.To.Algorithm || r.From.Iterations != r.To.Iterations {
			list = append(list, r)
		}
	}
	origins := keyOrigins(sources)
	to := protectionsOf(fitted)
	for i := range fitted.Identities {
		id := &fitted.Identities[i]
		if o, ok := origins[string(id.Key.PKCS8)]; ok {
			add(Reencryption{o.source, "key", id.Label(), o.from, to.take("key", id.Alias)})
		}
	}
	for _, part := range []string{"certificates", "mac"} {
		wanted := to.take(part, "")
		for _, s := range sources {
			add(Reencryption{Source: s.Name, Part: part, From: protectionsOf(s.Store).take(part, ""), To: wanted})
		}
	}
	return list
}

// origin is where a key comes from.
type origin struct {
	source string
	from   keystore.Protection
}

// keyOrigins finds out how each key was protected, by its bytes; of a key in several files the first counts.
func keyOrigins(sources []Source) map[string]origin {
	origins := map[string]origin{}
	for _, s := range sources {
		from := protectionsOf(s.Store)
		for i := range s.Store.Identities {
			id := &s.Store.Identities[i]
			p := from.take("key", id.Alias)
			if id.Key == nil {
				continue
			}
			if _, known := origins[string(id.Key.PKCS8)]; !known {
				origins[string(id.Key.PKCS8)] = origin{s.Name, p}
			}
		}
	}
	return origins
}

// protections are those of a store, by part and alias, in their order where these are the same.
type protections map[[2]string][]keystore.Protection

func protectionsOf(s *keystore.Store) protections {
	list := protections{}
	for _, p := range s.Protection {
		key := [2]string{p.Part, p.Alias}
		list[key] = append(list[key], p)
	}
	return list
}

// take returns the next protection of a part. A key may be protected under no name: in PEM its alias may come from its
// certificate.
func (l protections) take(part, alias string) keystore.Protection {
	for _, key := range [][2]string{{part, alias}, {part, ""}} {
		if queue := l[key]; len(queue) > 0 {
			l[key] = queue[1:]
			return queue[0]
		}
	}
	return keystore.Protection{Part: part, Alias: alias, Algorithm: Unprotected}
}
