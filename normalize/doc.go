// Package normalize turns the error of one chat vendor into a canonical one, and a canonical
// error into the words of any vendor, without losing what was said first.
//
// Three things live here:
//
//   - Catalog: one vendor's published error table, parsed from data and usable in both
//     directions. ToVendor never fails and tells how well the row fits; FromVendor never guesses
//     in silence, it tells by what it recognised the row.
//   - Problem: the unified document (application/problem+json, RFC 9457). It carries the
//     canonical code, who is at fault, whether a retry helps, and under "original" the vendor's
//     own status, code and name with their JSON types intact.
//   - Render: one Problem plus one vendor body become the bytes of an answer, in one of three
//     modes: the vendor's shape alone, the vendor's shape with the document beside it, or the
//     document alone.
//
// Everything is a pure function over plain data: no web framework, no clock, no network. The
// tables themselves live with the vendors (adapters/<vendor>/errors.tsv); a Set joins them.
//
// Stability: the names of canonical codes and the members of the document only ever grow.
// Readers must ignore members they do not know.
package normalize
