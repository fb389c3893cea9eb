package nexconn

import (
	"context"

	"dragoman/core/fault"
)

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

	topicPull: pullInbox, "pullModifyMsg": pullEdits, "modifyMsg": editMessage,
	"qryPMsg": history(wireDirect), "qryGMsg": history(wireGroup), "qryCHMsg": history(wireOpen),
	"qrySMsg": history(wireSystem), "qryUgMsg": history(wireCommunity), "qryMsg": messagesByID,
	"delMsg": deleteForSelf, "delUgMsg": deleteForSelf,
	"cleanPMsg": clean(wireDirect), "cleanGMsg": clean(wireGroup), "cleanSMsg": clean(wireSystem), "cleanMsgBatch": cleanSeveral,
	"updRTime": readUpToTime, "updRRTime": readUpToTime, "updUgRTime": readUpToTime,

	"joinChrm": joinRoom(true), "joinChrmR": joinRoom(false), "exitChrm": leaveRoom, "queryChrmI": roomInfo, "chrmPull": pullRoom,
	"setKV": setKV(false), "setKVS": setKV(true), "delKV": removeKV(false), "delKVS": removeKV(true), "pullKV": pullKV,

	"qryRelationR": listConversations(false), "qryRelation": listConversations(false), "qrySessions": listConversations(true),
	"qryRelationFilter": filterConversations, "qryRLBatch": namedConversations,
	"delRelation": dropConversations(numsRelationOp), "delRelationBatch": dropConversations(numsRelationOp), "delSessions": dropConversations(numsSession),
	"qrySessionsAtt": unreadTotal, "qrySessionsUnread": unreadCounts, "pullSe": unreadSync,
	"pullSeAtts": pullStates, "setSeAtt": changeStates(nil), "addTag": changeStates(withTags), "delTag": changeStates(withoutTags),
	"addSeTag": changeTags(withTags), "delSeTag": changeTags(withoutTags), "setTypeUnpush": silenceKind,
	"pullUS": pullPersonal, "transLan": setPersonalText(languageMember), "autoTrans": setPersonalText(autoMember),
	"addUnpush": setQuiet, "delUnpush": removeQuiet, "qryUnpush": getQuiet,

	"pullUgMsg": pullCommunities, "pullUgSes": pullCommunityList, "qryMsgChange": pullCommunityChanges, "upMsgEx": expandCommunity,
	"operate": operate, "qryUgUal": unreadMentions, "ugUnpushSet": quietCommunity(true), "ugUnpushQuery": quietCommunity(false),

	"friendAdd": addFriend, "friendDel": removeFriends, "friendHandle": answerFriend, "friendSetPf": setFriendProfile, "friendCheck": checkFriends,
	"friendsQuery": queryFriends, "friendsInfoQry": friendInfos, "friendAuthSet": setFriendPermission, "friendAuthGet": getFriendPermission,
	"pullUserProfile": userProfiles, "pullOwnProfile": ownProfile, "updUserProfile": setOwnProfile, "searchUserProfile": findProfile,
	"updProfilePermiss": setProfileVisibility, "qProfilePermiss": getProfileVisibility,

	"channelCreate": groupTopic(createHosted), "upChannelInfo": groupTopic(updateHosted), "qChannelInfo": groupTopic(groupProfiles),
	"channelMemKick": groupTopic(kickMembers), "channelMemQuit": groupTopic(quitGroup), "channelDismiss": groupTopic(dismissGroup),
	"channelTransfer": groupTopic(transferGroup), "channelMemJoin": groupTopic(joinHosted), "channelMemInvite": groupTopic(inviteMembers),
	"channelApplyResp": groupTopic(answerApplication), "qChannelApplyList": groupTopic(listApplied), "upChannelManager": groupTopic(setManagers),
	"qChannelMem": groupTopic(queryMembers), "qChannelSpeMem": groupTopic(namedMembers), "upChannelMem": groupTopic(updateMember),
	"qChannelMemJoin": groupTopic(joinedGroups), "qChannelMemSpeJoin": groupTopic(joinedGroups), "upChannelRemark": groupTopic(setRemark),
	"upChannelFollow": groupTopic(followMembers), "qChannelFollow": groupTopic(followedMembers),

	"updUserSub": follow, "pullUserSub": followed, "pullSubData": presences(false), "qrySubData": presences(true),

	"pullEventChange": pullChanges,
	"readReceipt":     confirmRead, "qryReceipt": receiptUsers, "qryReceiptBatch": receiptCounts, "rrMsg": confirmGroupRead, "rrList": groupReaders,

	"upConvertMsg": convert,

	"qAppBot": nothing, "reportsdk": nothing,
}

// nothing answers a query with an empty message: there is nothing of the kind.
func nothing(context.Context, *call) (outcome, error) { return outcome{}, nil }

// answered wraps a message of the wire as the outcome of a query.
func answered(write func(*pb)) (outcome, error) { return outcome{data: build(write)}, nil }

// convert serves translation and speech to text, for which there is no service here.
func convert(context.Context, *call) (outcome, error) {
	return outcome{}, fault.ServiceNotEnabled.Error("Translation is not available.").With("translation")
}
