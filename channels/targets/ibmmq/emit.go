package ibmmq

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mqttpki/mqttpki/channels"
	"github.com/mqttpki/mqttpki/channels/targets"
	"github.com/mqttpki/mqttpki/keystore"
)

// keyFile is the key store of all TLS channels: the service tells its type by the ending.
const keyFile = "server.jks"

// passwordBytes of randomness make a passphrase of 32 characters that need no quoting; SSLKEYP has room for 48.
const passwordBytes = 20

// Emit returns the MQSC files, the key store and what belongs to them.
func (t Target) Emit(m targets.Model, mat targets.Material) ([]targets.File, error) {
	s, _ := settle(m)
	var files []targets.File
	passphrase := ""
	if slices.ContainsFunc(s.Listeners, func(l channels.Listener) bool { return l.Transport.Encrypted() }) {
		var err error
		if passphrase, err = makePassphrase(mat); err != nil {
			return nil, err
		}
		store, err := keyStore(s, mat, passphrase)
		if err != nil {
			return nil, err
		}
		files = append(files, store)
	}
	list := channelsOf(s, keyPath(s), passphrase)
	for _, c := range list {
		if problems := c.Check(); len(problems) > 0 {
			return nil, fmt.Errorf("channel %q: %s", c.Name, strings.Join(problems, "; "))
		}
	}
	files = append(files, scripts(s, list)...)
	if text := authority(s); text != "" {
		files = append(files, targets.File{Artifact: keystore.Artifact{Path: "authority.sh", Mode: 0o755, Data: []byte(text), Note: "who may publish and subscribe"}})
	}
	if j := blockOf(s).JAAS; j != (jaasBlock{}) {
		text := fmt.Sprintf("%s {\n    %s required;\n};\n", j.Stanza, j.Class)
		files = append(files, targets.Public("jaas.config", "", "to be added to the queue manager's jaas.config", []byte(text)))
	}
	files = append(files, targets.Public("README", "", "what to do with these files", []byte(readme(s))))
	return targets.Sort(files), nil
}

// makePassphrase makes up the key store's password.
func makePassphrase(mat targets.Material) (string, error) {
	return targets.RandomPassword(mat.Random, passwordBytes)
}

// keyStore returns the one store that a channel takes its key and its trusted CAs from.
func keyStore(s targets.Settings, mat targets.Material, passphrase string) (targets.File, error) {
	codec := mat.Codec("jks")
	if codec == nil {
		return targets.File{}, errors.New("there is no codec for JKS")
	}
	server := mat.Server
	server.Alias = "server"
	store := &keystore.Store{Identities: []keystore.Identity{server}}
	if slices.ContainsFunc(s.Listeners, func(l channels.Listener) bool { return l.ClientCertificate != channels.CertificateNone }) {
		for i, ca := range mat.ClientCAs() {
			store.Anchors = append(store.Anchors, keystore.Anchor{Alias: fmt.Sprintf("ca-%d", i+1), Certificate: ca})
		}
	}
	opts := keystore.EncodeOptions{Password: keystore.Secret(passphrase), Random: mat.Random, Now: mat.Now}
	fitted, changes, err := codec.Fit(store, opts)
	if err != nil {
		return targets.File{}, fmt.Errorf("making the key store: %w", err)
	}
	for _, c := range changes {
		if c.Kind == keystore.ChangeLost {
			return targets.File{}, fmt.Errorf("making the key store: %s would be lost: %s", c.Entry, c.Why)
		}
	}
	data, err := keystore.Build(codec, fitted, opts)
	if err != nil {
		return targets.File{}, fmt.Errorf("making the key store: %w", err)
	}
	f := targets.File{
		Artifact: keystore.Artifact{Path: keyFile, Mode: 0o600, Owner: "mqm:mqm", Secret: true, Data: data, Note: "key, chain and client CAs of every TLS channel"},
		Dest:     keyPath(s), DestMode: 0o600,
	}
	if !targets.PlainPath(f.Dest) || strings.Contains(f.Dest, ":") {
		f.Dest = "" // a Windows path is no matter of install(1); the README says where it goes
	}
	return f, nil
}

// scripts returns the MQSC files.
func scripts(s targets.Settings, list []Channel) []targets.File {
	grants := grantsOf(s)
	define, alter := heading(s, "Define the channels, or define them anew"), heading(s, "Change channels that exist")
	secret := comment("The key store's password stands in this file: keep it to yourself.")
	define, alter = define+secret, alter+secret
	start, stop := heading(s, "Start the channels"), heading(s, "Stop the channels and end their connections")
	remove, show := heading(s, "Stop and delete the channels"), heading(s, "Show the channels and their status")
	objects := topicObjects(grants)
	for _, topic := range slices.Sorted(maps.Keys(objects)) {
		if topic != "" {
			define += mqsc("DEFINE").quoted("TOPIC", objects[topic]).quoted("TOPICSTR", topic).keywordless("REPLACE").String()
		}
	}
	for _, c := range list {
		define += c.Define(s.Release)
		alter += c.Alter(s.Release)
		start += c.Start()
		stop += c.Stop()
		remove += c.Stop()
		show += c.Display()
	}
	for _, c := range list {
		remove += c.Delete()
	}
	private := func(name, note, text string) targets.File {
		return targets.File{Artifact: keystore.Artifact{Path: name, Mode: 0o600, Secret: true, Data: []byte(text), Note: note}}
	}
	return []targets.File{
		private("define.mqsc", "defines the channels; holds the key store's password", define),
		private("alter.mqsc", "changes existing channels; holds the key store's password", alter),
		targets.Public("start.mqsc", "", "starts the channels", []byte(start)),
		targets.Public("stop.mqsc", "", "stops the channels", []byte(stop)),
		targets.Public("delete.mqsc", "", "stops and deletes the channels", []byte(remove)),
		targets.Public("display.mqsc", "", "shows the channels", []byte(show)),
	}
}

// keywordless adds a word.
func (c *command) keywordless(word string) *command {
	c.words = append(c.words, word)
	return c
}

// heading returns the comments that begin an MQSC file.
func heading(s targets.Settings, what string) string {
	return comment("%s.", what) + comment("Queue manager: %s", blockOf(s).QueueManager) +
		comment("For IBM MQ %s; the MQXR service must be running.", s.Release)
}

// authority returns the setmqaut commands.
func authority(s targets.Settings) string {
	grants := grantsOf(s)
	if len(grants) == 0 {
		return ""
	}
	objects := topicObjects(grants)
	var b strings.Builder
	b.WriteString("#!/bin/sh\nset -e\n")
	var users []string
	for _, g := range grants {
		rights := "-all"
		if g.publish {
			rights += " +pub"
		}
		if g.subscribe {
			rights += " +sub"
		}
		fmt.Fprintf(&b, "setmqaut -m %s -t topic -n %s -p %s %s\n", blockOf(s).QueueManager, objects[g.topic], g.principal, rights)
		if !slices.Contains(users, g.principal) {
			users = append(users, g.principal)
		}
	}
	slices.Sort(users)
	for _, user := range users {
		fmt.Fprintf(&b, "setmqaut -m %s -t q -n SYSTEM.MQTT.TRANSMIT.QUEUE -p %s -all +put\n", blockOf(s).QueueManager, user)
	}
	return b.String()
}

// readme says what to do with the files.
func readme(s targets.Settings) string {
	qm := blockOf(s).QueueManager
	return fmt.Sprintf(`%s goes to %s, readable by the user that runs the MQXR service (mqm).
Load: runmqsc %s < define.mqsc, then sh authority.sh, then runmqsc %s < start.mqsc; define.mqsc holds the key store's password.
After a new key store: runmqsc %s < alter.mqsc, then stop.mqsc and start.mqsc.
`, keyFile, keyPath(s), qm, qm, qm)
}

// Commands says how to load and drive the channels.
func (Target) Commands(m targets.Model) []targets.Command {
	s, _ := settle(m)
	qm := blockOf(s).QueueManager
	run := func(purpose, file, text string) targets.Command {
		return targets.Command{Purpose: purpose, Text: fmt.Sprintf("%s: runmqsc %s < %s", text, qm, file)}
	}
	return []targets.Command{
		{Purpose: "check", Text: "check the syntax: runmqsc -v " + qm + " < define.mqsc"},
		run("load", "define.mqsc", "define the channels"),
		run("start", "start.mqsc", "start them"),
		run("reload", "alter.mqsc", "after a new key store; then stop and start them"),
		run("stop", "stop.mqsc", "stop them"),
		run("status", "display.mqsc", "show them"),
	}
}
