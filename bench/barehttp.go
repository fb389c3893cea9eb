package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/valyala/fasthttp"
)

// bareHTTPFlag starts this program as the HTTP peer of section a instead.
const bareHTTPFlag = "bare-http"

// bareAnswer is about as long as the answer to a send.
const bareAnswer = 1200

// serveBareHTTP is the least that a request costs on the HTTP library in use: every call is
// answered with the same bytes.
func serveBareHTTP() error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	answer := []byte(`{"x":"` + strings.Repeat("0", bareAnswer) + `"}`)
	s := &fasthttp.Server{ReadBufferSize: 64 << 10, Handler: func(c *fasthttp.RequestCtx) {
		c.SetStatusCode(201)
		c.SetContentType("application/json")
		c.SetBody(answer)
	}}
	return s.Serve(l)
}

// benchBareHTTP measures serveBareHTTP with the requests of section a over so many connections.
func benchBareHTTP(users []string, conns int, span time.Duration) (sent, error) {
	self, err := os.Executable()
	if err != nil {
		return sent{}, err
	}
	cmd := exec.Command(self, bareHTTPFlag)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return sent{}, err
	}
	if err := cmd.Start(); err != nil {
		return sent{}, err
	}
	defer func() { _ = cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	var port int
	if _, err := fmt.Fscan(bufio.NewReader(out), &port); err != nil {
		return sent{}, err
	}
	return sendFor(&process{cmd: cmd, port: port - 1}, users, conns, channels, span)
}
