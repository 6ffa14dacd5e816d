package broker

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/mqttpki/mqttpki/keystore"
)

// store keeps sessions, subscriptions, queues and retained messages in one file. Changes are gathered for a moment and
// written together, because one wait for the disk per message would be the limit of the whole broker; a power cut loses
// that moment (Options.FlushInterval), a crash or a stop of the process alone loses nothing that was flushed.
//
// A nil *store keeps nothing: brokers without a state folder have one.
type store struct {
	db    *bbolt.DB
	log   *slog.Logger
	every time.Duration

	mu      sync.Mutex
	changes []change       // in order
	at      map[string]int // by bucket and key, into changes: a later change of the same key replaces the earlier
	clients map[string]bool
	bytes   int
	full    *sync.Cond // signalled when changes have been written
	failing bool
	closed  bool

	wake chan struct{}
	done chan struct{}
}

// change is one write. A nil value deletes the key; in the bucket [bucketClients] it deletes all of the client.
type change struct {
	bucket string
	key    string
	value  []byte
}

// Buckets. A key of a subscription or queued packet begins with its client id and a NUL, which no client id holds.
const (
	bucketMeta          = "meta"
	bucketClients       = "clients"
	bucketSubscriptions = "subscriptions"
	bucketQueue         = "queue"
	bucketRetained      = "retained"
)

// Facts of the file.
const (
	storeName    = "broker.db"
	storeSchema  = "1"
	lockTimeout  = time.Second
	maxUnwritten = 32 << 20 // bytes of changes that may wait for the disk
	retryFlush   = time.Second
)

// openStore opens or creates the file in dir.
func openStore(dir string, every time.Duration, log *slog.Logger) (*store, error) {
	path := filepath.Join(dir, storeName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("opening the broker's state %q: %w", path, err)
	}
	db, err := openBolt(path)
	if err != nil {
		return nil, fmt.Errorf("opening the broker's state %q: %w", path, err)
	}
	s := &store{db: db, log: log, every: every, at: map[string]int{}, clients: map[string]bool{},
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	s.full = sync.NewCond(&s.mu)
	if err := db.Update(prepareStore); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("opening the broker's state %q: %w", path, err)
	}
	go s.run()
	return s, nil
}

// openBolt opens the file, which it leaves as it is when it is damaged.
func openBolt(path string) (*bbolt.DB, error) {
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		if err := checkWhole(path, info.Size()); err != nil {
			return nil, err
		}
	}
	return openWith(path, bbolt.Options{Timeout: lockTimeout})
}

// checkWhole refuses a file that was cut off: bbolt maps it into memory, where what lies past its end is a fault that
// ends the process. Opened for reading alone it looks at the beginning only, where the file's length is said.
func checkWhole(path string, size int64) error {
	db, err := openWith(path, bbolt.Options{Timeout: lockTimeout, ReadOnly: true})
	if err != nil {
		return err
	}
	var wanted int64
	err = db.View(func(tx *bbolt.Tx) error { wanted = tx.Size(); return nil })
	if err == nil && size < wanted {
		err = damaged(fmt.Sprintf("%d bytes of %d are left of it", size, wanted))
	}
	return errors.Join(err, db.Close())
}

// openWith opens the file; bbolt panics on some kinds of damage.
func openWith(path string, options bbolt.Options) (db *bbolt.DB, err error) {
	defer func() {
		if r := recover(); r != nil {
			db, err = nil, damaged(r)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &options)
	_, byPath := errors.AsType[*fs.PathError](err)
	_, bySystem := errors.AsType[syscall.Errno](err)
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("another broker runs on it: %w", keystore.ErrLocked)
	case err != nil && !byPath && !bySystem:
		return nil, damaged(err)
	}
	return db, err
}

func damaged(what any) error {
	return fmt.Errorf("the file is damaged, or none of ours (%v); move it away to begin anew: %w", what, keystore.ErrFormat)
}

func prepareStore(tx *bbolt.Tx) error {
	for _, name := range []string{bucketMeta, bucketClients, bucketSubscriptions, bucketQueue, bucketRetained} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	meta := tx.Bucket([]byte(bucketMeta))
	switch found := string(meta.Get([]byte("schema"))); found {
	case storeSchema:
		return nil
	case "":
		return meta.Put([]byte("schema"), []byte(storeSchema))
	default:
		return fmt.Errorf("it was written by another version (schema %q): %w", found, keystore.ErrUnsupported)
	}
}

// queueKey is the key of one packet in a client's queue.
func queueKey(id string, packetID uint16) string {
	return id + "\x00" + string(binary.BigEndian.AppendUint16(nil, packetID))
}

// subscriptionKey is the key of one subscription.
func subscriptionKey(id, filter string) string { return id + "\x00" + filter }

// put stores a record; remove deletes one.
func (s *store) put(bucket, key string, record any) {
	if s == nil {
		return
	}
	value, err := json.Marshal(record)
	if err != nil {
		s.log.Error("storing failed", "what", bucket, "error", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.bytes > maxUnwritten && !s.failing && !s.closed {
		s.full.Wait()
	}
	if s.bytes > maxUnwritten { // the disk is full or gone; what is in memory still works
		return
	}
	if bucket == bucketClients {
		s.clients[key] = true
	}
	s.enter(change{bucket, key, value})
}

func (s *store) remove(bucket, key string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enter(change{bucket: bucket, key: key})
}

// dropClient deletes a session with all that belongs to it, where one was stored.
func (s *store) dropClient(id string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.clients[id] {
		return
	}
	delete(s.clients, id)
	s.enter(change{bucket: bucketClients, key: id})
	clear(s.at) // what comes next must not be moved before this
}

// enter adds a change; s.mu is held.
func (s *store) enter(c change) {
	if s.closed {
		return
	}
	name := c.bucket + "/" + c.key
	s.bytes += len(c.key) + len(c.value)
	if i, ok := s.at[name]; ok {
		s.bytes -= len(s.changes[i].key) + len(s.changes[i].value)
		s.changes[i] = c
	} else {
		s.at[name] = len(s.changes)
		s.changes = append(s.changes, c)
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// run writes changes a moment after the first of them, until the store is closed.
func (s *store) run() {
	defer close(s.done)
	for range s.wake {
		time.Sleep(s.every)
		for {
			last, err := s.flush()
			if last {
				return
			}
			if err == nil {
				break
			}
			time.Sleep(retryFlush)
		}
	}
}

// flush writes all changes there are. When that fails they stay, to be tried again; last says that the store is closed.
func (s *store) flush() (last bool, err error) {
	s.mu.Lock()
	batch, size := s.changes, s.bytes
	s.changes, s.at, s.bytes, last = nil, map[string]int{}, 0, s.closed
	s.mu.Unlock()
	if len(batch) > 0 {
		err = s.db.Update(func(tx *bbolt.Tx) error { return applyAll(tx, batch) })
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		if !s.failing || last {
			s.log.Error("writing the broker's state failed; it is kept in memory and tried again", "error", err)
		}
		s.changes = append(batch, s.changes...)
		s.at = map[string]int{}
		s.bytes += size
	case s.failing:
		s.log.Info("writing the broker's state works again")
	}
	s.failing = err != nil
	s.full.Broadcast()
	return last, err
}

func applyAll(tx *bbolt.Tx, batch []change) error {
	for _, c := range batch {
		bucket := tx.Bucket([]byte(c.bucket))
		var err error
		switch {
		case c.value != nil:
			err = bucket.Put([]byte(c.key), c.value)
		case c.bucket == bucketClients:
			err = deleteClient(tx, c.key)
		default:
			err = bucket.Delete([]byte(c.key))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.bucket, err)
		}
	}
	return nil
}

func deleteClient(tx *bbolt.Tx, id string) error {
	if err := tx.Bucket([]byte(bucketClients)).Delete([]byte(id)); err != nil {
		return err
	}
	prefix := id + "\x00"
	for _, name := range []string{bucketSubscriptions, bucketQueue} {
		cursor := tx.Bucket([]byte(name)).Cursor()
		for key, _ := cursor.Seek([]byte(prefix)); len(key) > len(prefix) && string(key[:len(prefix)]) == prefix; {
			if err := cursor.Delete(); err != nil {
				return err
			}
			key, _ = cursor.Seek([]byte(prefix)) // deleting moves the cursor
		}
	}
	return nil
}

// close writes what is left and closes the file.
func (s *store) close() error {
	s.mu.Lock()
	s.closed = true
	s.full.Broadcast()
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	<-s.done
	s.mu.Lock()
	lost := len(s.changes)
	s.mu.Unlock()
	err := s.db.Close()
	if lost > 0 {
		err = errors.Join(err, fmt.Errorf("closing the broker's state: %d changes could not be written", lost))
	}
	return err
}
