package main

import (
	"crypto/rand"
	"crypto/rsa"

	"golang.org/x/sync/errgroup"
)

// threeKeys is what the own-CA path cannot do without: three RSA-2048 keys, made at once on every core.
func threeKeys() *side {
	return &side{name: "three RSA-2048 keys at once", run: func() (cost, error) {
		return within(func() error {
			var group errgroup.Group
			for range 3 {
				group.Go(func() error { _, err := rsa.GenerateKey(rand.Reader, 2048); return err })
			}
			return group.Wait()
		})
	}}
}
