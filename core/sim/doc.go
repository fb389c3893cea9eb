// Package sim runs several nodes of the chat core in one process, in virtual time, and breaks what is
// between them by a seed: the database is slow, refuses, or answers that nobody knows what happened;
// the bus delays, loses, repeats and reorders; nodes crash, stop for a while and lose their bus.
// Clients of each way in which SDKs keep up talk to them meanwhile, and what they end up with is
// compared with what is stored. It is for tests: nothing of the product may import it.
//
// # What repeats
//
// Every wait is drawn to the nanosecond, so that hardly ever two things happen at one moment, and
// every fate is a function of the seed, of who asks, of what for and of when; none is read from a
// shared sequence in the order of scheduling. Some nineteen of twenty seeds tell the same story again
// to the nanosecond, and a test holds a sample to it. In the rest, two goroutines of the engine become
// ready at one moment and the scheduler's choice can be seen: a worker that is woken twice goes round
// once or twice. A seed that fails because of such a moment may need several tries (-count 20).
//
// # What is real
//
// The engine, the SQLite driver and all rules are those of the product. The one database stands for a
// server that all nodes reach; a write whose answer is lost is written. Not simulated: the death of the
// database itself (see the crash tests of the drivers), the proxy, and the dialects.
package sim
