// Natsd is a NATS server as a process of its own, so that a test can kill it. It listens on loopback
// at the port that is its only argument, and says when it is ready.
package main

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// readyWithin bounds the start.
const readyWithin = 10 * time.Second

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: natsd port")
	}
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, NoLog: true, MaxPayload: 8 << 20})
	if err != nil {
		log.Fatal(err)
	}
	srv.Start()
	if !srv.ReadyForConnections(readyWithin) {
		log.Fatal("the server does not listen")
	}
	fmt.Println("ready")
	srv.WaitForShutdown()
}
