package ca

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/ca/inventory"
	"github.com/mqttpki/mqttpki/keystore"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// unsettled are the states that only a command at work, or a crash, leaves behind.
var unsettled = []inventory.State{inventory.Reserved, inventory.Pending}

// settleIfFree settles what a crash left, if anything, unless another command is writing: then it is at work and will
// finish itself, or the next command will.
func (h *Home) settleIfFree(ctx context.Context) error {
	needed, err := h.needsSettling(ctx)
	if err != nil || !needed {
		return err
	}
	held, err := safefile.Lock(ctx, h.Path(lockPath), 0)
	if errors.Is(err, keystore.ErrLocked) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(h.settle(ctx), held.Release())
}

func (h *Home) needsSettling(ctx context.Context) (bool, error) {
	if _, err := os.Lstat(h.Path(journalPath)); err == nil {
		return true, nil
	}
	for _, err := range h.inv.List(ctx, inventory.Filter{States: unsettled, Limit: 1}) {
		return err == nil, err
	}
	return false, nil
}

// settle ends what a crash interrupted. The caller holds the lock, so nobody else is at work.
//
// Files that were on their way are completed first. Then a reserved serial is abandoned: nothing was signed under it
// that left the process. A pending certificate becomes issued when all its files are there; when they are not, it is
// revoked, since a part of them may have been seen; when it never was to have any, its key died with the process.
func (h *Home) settle(ctx context.Context) error {
	if _, err := safefile.Recover(h.Path(journalPath)); err != nil {
		return fmt.Errorf("settling what was interrupted: %w", err)
	}
	var left []inventory.Entry
	for e, err := range h.inv.List(ctx, inventory.Filter{States: unsettled}) {
		if err != nil {
			return err
		}
		left = append(left, e)
	}
	if len(left) == 0 {
		return nil
	}
	return h.inv.Batch(ctx, func(b *inventory.Batch) error {
		for _, e := range left {
			if err := h.settleEntry(ctx, b, e); err != nil {
				return fmt.Errorf("settling serial %s of %q: %w", e.Serial, e.Name, err)
			}
		}
		return nil
	})
}

func (h *Home) settleEntry(ctx context.Context, b *inventory.Batch, e inventory.Entry) error {
	now := h.opts.Now()
	switch {
	case e.State == inventory.Reserved:
		return b.Abandon(e.ID, "interrupted before it was signed")
	case len(e.Files) == 0:
		return b.Abandon(e.ID, "interrupted; its key was never stored")
	}
	der, err := h.inv.Certificate(ctx, e.ID)
	if err != nil {
		return err
	}
	complete, err := h.complete(e, der)
	if err != nil {
		return err
	}
	if complete {
		return b.Issued(e.ID, now)
	}
	return b.Revoke(e.ID, now, reasonCessation)
}

// reasonCessation is cessationOfOperation of RFC 5280 section 5.3.1.
const reasonCessation inventory.Reason = 5

// complete reports whether all files of an entry are there, and the certificate is the one recorded.
func (h *Home) complete(e inventory.Entry, der []byte) (bool, error) {
	for _, path := range e.Files {
		if _, err := os.Lstat(h.Path(path)); errors.Is(err, fs.ErrNotExist) {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	at := slices.IndexFunc(e.Files, isLeafFile)
	if at < 0 {
		return false, nil
	}
	data, err := safefile.Read(h.Path(e.Files[at]), maxOwnFile)
	if err != nil {
		return false, err
	}
	block, _ := pem.Decode(data)
	return block != nil && slices.Equal(block.Bytes, der), nil
}

// isLeafFile tells NAME.crt from the chain and the anchor beside it.
func isLeafFile(path string) bool {
	return strings.HasSuffix(path, ".crt") && !strings.HasSuffix(path, "-chain.crt") && !strings.HasSuffix(path, "/ca.crt")
}
