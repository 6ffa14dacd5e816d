package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"

	"github.com/mqttpki/mqttpki/cmd/internal/ibm"
	"github.com/mqttpki/mqttpki/keystore/safefile"
)

// defineChannels writes the definitions and has runmqsc carry them out, where there is one.
func (d *deps) defineChannels(ctx context.Context, job *ibm.Job) error {
	text, err := job.MQSC()
	if err != nil {
		return err
	}
	file := safefile.File{Path: job.MQSCFile, Mode: safefile.ModePrivate, Data: text}
	if _, err := safefile.Commit([]safefile.File{file}, safefile.Options{Force: true, Now: d.now}); err != nil {
		return err
	}
	files := []ibmFile{{File: job.MQSCFile, What: fmt.Sprintf("the definitions of %d channels", len(job.Channels.Listeners))}}
	if _, err := os.Stat(job.Server.KeyStore); errors.Is(err, fs.ErrNotExist) {
		d.warn("there is no %s yet, which the channels need; sscerts and cacerts make it", job.Server.KeyStore)
	}
	program, err := exec.LookPath("runmqsc")
	if err != nil {
		d.notice("There is no runmqsc here. On the queue manager's machine: runmqsc %s < %s", job.QueueManager, job.MQSCFile)
		return d.printIBMFiles(files)
	}
	if err := runMQSC(ctx, program, job, text); err != nil {
		return withHint(fmt.Errorf("defining the channels of %s: %w", job.QueueManager, err), "%s says what runmqsc refused", job.MQLog)
	}
	d.notice("A channel that was there before takes a new key store when it is stopped and started.")
	return d.printIBMFiles(append(files, ibmFile{File: job.MQLog, What: "what runmqsc printed"}))
}

// runMQSC feeds the definitions to runmqsc and adds what it prints to the log. It echoes them, password and all, so
// nobody else may read the log.
func runMQSC(ctx context.Context, program string, job *ibm.Job, text []byte) (err error) {
	log, err := os.OpenFile(job.MQLog, os.O_CREATE|os.O_APPEND|os.O_WRONLY, safefile.ModePrivate)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := log.Chmod(safefile.ModePrivate); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, job.QueueManager)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), log, log
	return cmd.Run()
}
