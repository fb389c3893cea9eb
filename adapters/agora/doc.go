// Package agora is the Agora Chat dialect. For now it holds the vendor's two error tables, the
// reader and writer of its REST error bodies and the status of its live link; the routes follow.
package agora
