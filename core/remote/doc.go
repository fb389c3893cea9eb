// Package remote is a core that lives on other nodes: the client implements every service of
// core.Core by calls to core nodes, the server answers them from the core it is given.
//
// A command is one POST of /v1/core/<Service>/<Method> with the actor and the input, answered by the
// output or by the failure, exactly: see package codec. What a command asks of its caller's code while
// it runs (a Change within a transaction) is asked and answered beside it: see script. Live connections
// of all clients share one link per node: see link.
//
// Whoever knows the secret of the cluster may act as anybody: it opens the way for proxies only.
package remote

// protocol is told in every answer: whatever lacks it does not come from a core node. A node
// understands calls of its own number only.
const (
	protocol       = "1"
	protocolHeader = "Dragoman-Core"
	drainingHeader = "Dragoman-Core-Draining" // of an answer: nothing was done, ask another node

	prefix = "/v1/core/"
)
