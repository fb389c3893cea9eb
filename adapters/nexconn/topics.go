package nexconn

import "context"

// topic serves one topic of the live link.
type topic func(context.Context, *call) (outcome, error)

// topics are the topics a client may publish to or query. The others are refused as not supported.
// Sent messages first, then the rest by noun.
var topics = map[string]topic{
	"ppMsgP": send(wireDirect), "ppMsgS": send(wireDirect),
	"pgMsgP": send(wireGroup), "pgMsgS": send(wireGroup),
	"chatMsg": send(wireOpen), "chatMsgS": send(wireOpen),
	"ugMsg":     send(wireCommunity),
	"recallMsg": recallSent,

	"pullMsg": pullInbox, "pullModifyMsg": pullEdits, "modifyMsg": editMessage,
	"qryPMsg": history(wireDirect), "qryGMsg": history(wireGroup), "qryCHMsg": history(wireOpen),
	"qrySMsg": history(wireSystem), "qryUgMsg": history(wireCommunity), "qryMsg": messagesByID,
	"delMsg": deleteForSelf, "delUgMsg": deleteForSelf,
	"cleanPMsg": clean(wireDirect), "cleanGMsg": clean(wireGroup), "cleanSMsg": clean(wireSystem), "cleanMsgBatch": cleanSeveral,
	"updRTime": readUpToTime, "updRRTime": readUpToTime, "updUgRTime": readUpToTime,

	"joinChrm": joinRoom(true), "joinChrmR": joinRoom(false), "exitChrm": leaveRoom, "queryChrmI": roomInfo, "chrmPull": pullRoom,
	"setKV": setKV(false), "setKVS": setKV(true), "delKV": removeKV(false), "delKVS": removeKV(true), "pullKV": pullKV,

	"pullEventChange": pullChanges,
	"readReceipt":     confirmRead, "qryReceipt": receiptUsers, "qryReceiptBatch": receiptCounts, "rrMsg": confirmGroupRead, "rrList": groupReaders,

	"qAppBot": nothing, "reportsdk": nothing,
}

// nothing answers a query with an empty message: there is nothing of the kind.
func nothing(context.Context, *call) (outcome, error) { return outcome{}, nil }

// answered wraps a message of the wire as the outcome of a query.
func answered(write func(*pb)) (outcome, error) { return outcome{data: build(write)}, nil }
