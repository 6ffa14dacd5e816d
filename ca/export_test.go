package ca

import "crypto"

// ErrCrash stands for the end of the process when a fault returns it.
var ErrCrash = errCrash

// SetFault lets every step of an issue ask f first.
func (h *Home) SetFault(f func(step string) error) { h.fault = f }

// Key is the authority's key, which only tests may have.
func (a *Authority) Key() crypto.Signer { return a.key }
