package main

import (
	"fmt"
	"strconv"
)

// benchRelay is the second half of section v: idle live links between clients and a second server that
// stands for the vendor.
func benchRelay(r *report, o options) error {
	back, err := startServer()
	if err != nil {
		return err
	}
	defer back.stop()
	front, err := startFrontOf(back)
	if err != nil {
		return err
	}
	defer front.stop()
	s, err := newSetup(back.addr())
	if err != nil {
		return err
	}
	users, err := s.people("idle", o.idle)
	if err != nil {
		return err
	}
	if err := settle(front); err != nil {
		return err
	}
	before, err := front.rss()
	if err != nil {
		return err
	}
	sockets, _, err := connectAll(front, users, 16)
	if err != nil {
		return err
	}
	defer func() {
		for _, c := range sockets {
			_ = c.c.Close()
		}
	}()
	if err := settle(front); err != nil {
		return err
	}
	after, err := front.rss()
	if err != nil {
		return err
	}
	r.row(strconv.Itoa(len(sockets))+" idle relayed links", fmt.Sprintf("%.1f KiB resident each", float64(after-before)/1024/float64(len(sockets))), "aim under 20 KB")
	return nil
}

// startFrontOf runs a demo that passes everything on to another.
func startFrontOf(back *process) (*process, error) {
	return startWith(func(p *process) ([]string, error) {
		return []string{"--demo", "--port", strconv.Itoa(p.port), "--data", p.dir, "--front", strconv.Itoa(back.port)}, nil
	})
}
