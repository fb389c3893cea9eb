package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bareFlag starts this program as the peer of section c instead.
const bareFlag = "bare-fan-out"

// bareFrame is about as long as a message event.
const bareFrame = 1000

// serveBare is the least a fan-out can cost with one goroutine per write: the first connection
// commands, each of its bytes makes every other connection be sent one frame. No protocol, no
// message, no store. It ends with the commander.
func serveBare() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	commander, err := l.Accept()
	if err != nil {
		return err
	}
	var mu sync.Mutex
	var all []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			all = append(all, c)
			mu.Unlock()
			_, _ = c.Write([]byte{0}) // it is one of them now
		}
	}()
	frame := make([]byte, bareFrame)
	for one := make([]byte, 1); ; {
		if _, err := commander.Read(one); err != nil {
			return nil
		}
		mu.Lock()
		conns := all
		mu.Unlock()
		var round sync.WaitGroup
		for _, c := range conns {
			round.Go(func() { _, _ = c.Write(frame) })
		}
		round.Wait()
	}
}

// benchBare measures serveBare with n receivers: deliveries per second and processor time of each.
func benchBare(n int, span time.Duration) (rate float64, cpu time.Duration, err error) {
	self, err := os.Executable()
	if err != nil {
		return 0, 0, err
	}
	cmd := exec.Command(self, bareFlag)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, 0, err
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return 0, 0, err
	}
	addr = strings.TrimSpace(addr)
	commander, err := net.Dial("tcp", addr)
	if err != nil {
		return 0, 0, err
	}
	defer commander.Close()
	var got atomic.Int64
	for range n {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return 0, 0, err
		}
		defer c.Close()
		if _, err := c.Read(make([]byte, 1)); err != nil {
			return 0, 0, err
		}
		go func() {
			for buf := make([]byte, 16<<10); ; {
				k, err := c.Read(buf)
				got.Add(int64(k))
				if err != nil {
					return
				}
			}
		}()
	}
	p := &process{cmd: cmd}
	before, err := p.cpu()
	if err != nil {
		return 0, 0, err
	}
	start, sent := time.Now(), int64(0)
	for time.Since(start) < span {
		if _, err := commander.Write([]byte{1}); err != nil {
			return 0, 0, err
		}
		sent += int64(n) * bareFrame
		for got.Load() < sent {
			if time.Since(start) > span+20*time.Second {
				return 0, 0, fmt.Errorf("bare fan-out: %d of %d bytes arrived", got.Load(), sent)
			}
			time.Sleep(50 * time.Microsecond)
		}
	}
	took := time.Since(start)
	after, err := p.cpu()
	count := sent / bareFrame
	return float64(count) / took.Seconds(), (after - before) / time.Duration(max(count, 1)), err
}
