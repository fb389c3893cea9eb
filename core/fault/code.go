package fault

// Code is the coarse class of a failure: one of the google.rpc codes, by its wire name.
// It decides behaviour where a fine Reason is not known to the reader.
type Code string

// The classes in use; see https://google.aip.dev/193.
const (
	CodeOK                 Code = "OK"
	CodeCancelled          Code = "CANCELLED"
	CodeUnknown            Code = "UNKNOWN"
	CodeInvalidArgument    Code = "INVALID_ARGUMENT"
	CodeDeadlineExceeded   Code = "DEADLINE_EXCEEDED"
	CodeNotFound           Code = "NOT_FOUND"
	CodeAlreadyExists      Code = "ALREADY_EXISTS"
	CodePermissionDenied   Code = "PERMISSION_DENIED"
	CodeUnauthenticated    Code = "UNAUTHENTICATED"
	CodeResourceExhausted  Code = "RESOURCE_EXHAUSTED"
	CodeFailedPrecondition Code = "FAILED_PRECONDITION"
	CodeAborted            Code = "ABORTED"
	CodeUnimplemented      Code = "UNIMPLEMENTED"
	CodeInternal           Code = "INTERNAL"
	CodeUnavailable        Code = "UNAVAILABLE"
)

// Retry tells a caller whether repeating the same request can help.
type Retry string

// The three answers: never, with backoff if the call is idempotent, only after the hinted step or delay.
const (
	RetryNo    Retry = "no"
	RetryYes   Retry = "yes"
	RetryAfter Retry = "after"
)

// Blame names the party that has to act.
type Blame string

// The parties. Only Server and Infra failures count against a circuit breaker.
const (
	BlameNone   Blame = "none"
	BlameClient Blame = "client"
	BlameServer Blame = "server"
	BlameInfra  Blame = "infra"
)
