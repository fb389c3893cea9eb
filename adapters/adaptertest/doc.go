// Package adaptertest is the suite every dialect has to pass. Static, Errors and Coverage look at a
// dialect's tables; Robust feeds junk to every route; Scenarios play chat over a running proxy on a
// real core, by a driver that speaks the vendor's wire as its SDK would.
//
// A vendor's test is a call of Run with its entry, its credentials and its driver.
package adaptertest
