package convert

import "github.com/mqttpki/mqttpki/keystore"

// Build encodes the plan's store and proves the result, see [keystore.Build]. An error that wraps
// [keystore.ErrReadBack] means that the bytes are wrong; none are returned.
func (p *Plan) Build() ([]byte, error) {
	return keystore.Build(p.recipe.Target, p.store, p.recipe.Options)
}
