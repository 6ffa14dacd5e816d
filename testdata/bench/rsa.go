package main

import (
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"time"
)

// threeKeys is what the own-CA path cannot do without: three RSA-2048 keys, made at once on every core.
var threeKeys = side{name: "three RSA-2048 keys at once", run: func() (cost, error) {
	start := time.Now()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() { _, _ = rsa.GenerateKey(rand.Reader, 2048) })
	}
	group.Wait()
	return cost{wall: time.Since(start)}, nil
}}
