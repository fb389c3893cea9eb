package chaos

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Part is a process of the cluster that is started again whenever it has ended, as the system would.
type Part struct {
	Name    string
	command func() *exec.Cmd
	log     io.Writer

	mu      sync.Mutex
	cmd     *exec.Cmd
	up      bool
	stopped bool
	starts  int
	fell    int // how often it ended by itself
	killed  bool
	left    bool          // it was asked to end
	ready   chan struct{} // closed when the process that runs now has said so
	again   chan struct{} // a process killed waits for it
	over    chan struct{}
}

// restartAfter is the pause of the system before it starts a process again that ended by itself.
const restartAfter = 300 * time.Millisecond

// readyWithin bounds the first start of a part.
const readyWithin = 30 * time.Second

// StartPart starts a process that says "ready" on its standard output, and waits for that word.
func StartPart(name string, log io.Writer, command func() *exec.Cmd) (*Part, error) {
	p := &Part{Name: name, command: command, log: log, ready: make(chan struct{}), again: make(chan struct{}, 1), over: make(chan struct{})}
	first := p.ready
	go p.run()
	select {
	case <-first:
		return p, nil
	case <-time.After(readyWithin):
		p.Stop()
		return nil, fmt.Errorf("%s was not ready within %s", name, readyWithin)
	}
}

// run keeps the process running.
func (p *Part) run() {
	defer close(p.over)
	for {
		c := p.command()
		c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
		c.Stderr = p.log
		out, err := c.StdoutPipe()
		if err == nil {
			p.mu.Lock()
			if p.stopped {
				p.mu.Unlock()
				return
			}
			if err = c.Start(); err == nil {
				p.cmd, p.up, p.killed = c, true, false
				p.starts++
			}
			p.mu.Unlock()
		}
		if err != nil {
			fmt.Fprintln(p.log, p.Name, err)
		} else {
			p.read(out)
			_ = c.Wait() // how it ended is what killed says
		}
		p.mu.Lock()
		p.up, p.ready = false, make(chan struct{})
		killed, stopped := p.killed, p.stopped
		if !killed && !stopped && !p.left {
			p.fell++
		}
		p.left = false
		p.mu.Unlock()
		switch {
		case stopped:
			return
		case killed:
			<-p.again
		default:
			time.Sleep(restartAfter)
		}
	}
}

// read waits for the word and passes the rest on, until the process ends.
func (p *Part) read(out io.Reader) {
	sc := bufio.NewScanner(out)
	for said := false; sc.Scan(); {
		if !said && strings.HasPrefix(sc.Text(), "ready") {
			said = true
			p.mu.Lock()
			close(p.ready)
			p.mu.Unlock()
		}
		fmt.Fprintln(p.log, sc.Text())
	}
	_, _ = io.Copy(p.log, out) // until it ends
}

// Kill kills the process the hard way. It stays down until Start.
func (p *Part) Kill() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.up {
		return errors.New(p.Name + " is down already")
	}
	p.killed = true
	return p.cmd.Process.Kill()
}

// Start starts a process again that was killed.
func (p *Part) Start() {
	select {
	case p.again <- struct{}{}:
	default:
	}
}

// Pause stops the process where it is; Resume lets it go on.
func (p *Part) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume ends a pause.
func (p *Part) Resume() error { return p.signal(syscall.SIGCONT) }

// Signal sends the process a signal.
func (p *Part) signal(s syscall.Signal) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.up {
		return errors.New(p.Name + " is down")
	}
	return p.cmd.Process.Signal(s)
}

// Leave asks the process to end in good order, and lets the system start it again. It waits until the
// new one is ready, for as long as patience goes.
func (p *Part) Leave(patience time.Duration) error {
	p.mu.Lock()
	if !p.up {
		p.mu.Unlock()
		return errors.New(p.Name + " is down")
	}
	p.left = true
	starts, err := p.starts, p.cmd.Process.Signal(syscall.SIGTERM)
	p.mu.Unlock()
	for end := time.Now().Add(patience); err == nil; time.Sleep(20 * time.Millisecond) {
		p.mu.Lock()
		ready, again := p.ready, p.up && p.starts > starts
		p.mu.Unlock()
		if again {
			select {
			case <-ready:
				return nil
			default:
			}
		}
		if time.Now().After(end) {
			err = fmt.Errorf("%s has not left and come back within %s", p.Name, patience)
		}
	}
	return err
}

// Fell is how often the process ended without having been killed.
func (p *Part) Fell() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fell
}

// Stop ends the part for good.
func (p *Part) Stop() {
	p.mu.Lock()
	p.stopped = true
	if p.up {
		_ = p.cmd.Process.Signal(syscall.SIGCONT) // it may be paused
		_ = p.cmd.Process.Kill()                  // it may have ended
	}
	p.mu.Unlock()
	p.Start()
	<-p.over
}
