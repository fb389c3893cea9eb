// Package shadow lets the side that does not answer follow the one that does. The client's answer has
// gone out when anything here begins.
//
// While the vendor answers (shadow-vendor), the core is fed: what the vendor says in answers, on live
// links and in webhooks is learnt, in its order, and what is seen to be missing is read from the vendor.
// Reads are put to the core as well, and the answers compared. While the core answers (shadow-core),
// reads are put to the vendor and compared; writes are sent there, in their order, when that is asked
// for, so that the way back stays open.
//
// Every queue has an end. A comparison that finds no place is left out and counted; a lesson that finds
// none is a gap, and gaps are filled by reading from the vendor.
package shadow
