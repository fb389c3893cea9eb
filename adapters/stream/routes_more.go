package stream

import (
	"dragoman/adapters"
	"dragoman/core"
)

// moreRoutes are the operations around the conversation: moderation, polls, threads, personal
// lists, files, search, and what a server manages.
func (d *Dialect) moreRoutes() []adapters.Route {
	c := d.core
	server, open, app := adapters.GateServer, adapters.GateOpen, adapters.GateApp
	return []adapters.Route{
		op(d, "POST", "/api/v2/moderation/ban", "BanV2", decodeBan, c.Moderation.Ban, writeNothing).Limited(300),
		op(d, "POST", "/api/v2/moderation/flag", "FlagV2", decodeFlagEntity, c.Moderation.Flag, encodeFlagEntity).Limited(300),
		op(d, "POST", "/api/v2/moderation/mute", "MuteUserV2", decodeMute(false), c.Moderation.Mute, encodeMutedV2).Limited(300),
		op(d, "POST", "/api/v2/moderation/unban", "UnbanV2", decodeUnbanV2, c.Moderation.Ban, writeNothing).Limited(300),
		op(d, "POST", "/api/v2/moderation/unmute", "UnmuteUserV2", decodeMute(true), c.Moderation.Mute, encodeUnmuted).Limited(300),

		op(d, "GET", "/app", "GetApp", none[core.GetApp], d.getApp, encodeApp).Limited(10000),
		op(d, "PATCH", "/app", "UpdateApp", decodeUpdateApp, c.Apps.Update, writeNothing).Gated(server).Limited(60),

		op(d, "GET", "/blocklists", "ListBlockLists", none[core.ListBlocklists], c.Blocklists.List, encodeBlocklists).Gated(server),
		op(d, "POST", "/blocklists", "CreateBlockList", decodeCreateBlocklist, c.Blocklists.Put, encodeBlocklist).Gated(server),
		op(d, "DELETE", "/blocklists/:name", "DeleteBlockList", decodeDeleteBlocklist, c.Blocklists.Delete, writeNothing).Gated(server),
		op(d, "GET", "/blocklists/:name", "GetBlockList", decodeGetBlocklist, c.Blocklists.Get, encodeBlocklist).Gated(server),
		op(d, "PUT", "/blocklists/:name", "UpdateBlockList", decodeUpdateBlocklist, c.Blocklists.Put, encodeBlocklist).Gated(server),

		op(d, "GET", "/channels", "QueryChannelsGet", decodeQueryChannelsGet, d.states, d.encodeStates).Limited(10000),
		op(d, "GET", "/channels/:type/:id", "GetChannel", decodeGetChannel, d.open, d.encodeState),
		op(d, "DELETE", "/channels/:type/:id/draft", "DeleteDraft", decodeDeleteDraft, c.Drafts.Delete, writeNothing),
		op(d, "GET", "/channels/:type/:id/draft", "GetDraft", decodeGetDraft, c.Drafts.Get, encodeDraft),
		op(d, "POST", "/channels/:type/:id/draft", "CreateDraft", decodePutDraft, c.Drafts.Put, encodeDraft),
		op(d, "DELETE", "/channels/:type/:id/file", "DeleteChannelFile", decodeRemoveFile(true), c.Files.Remove, writeNothing),
		op(d, "DELETE", "/channels/:type/:id/image", "DeleteChannelImage", decodeRemoveFile(true), c.Files.Remove, writeNothing),
		uploading(op(d, "POST", "/channels/:type/:id/file", "UploadChannelFile", decodeUpload, d.upload(false, true), encodeUploaded)),
		uploading(op(d, "POST", "/channels/:type/:id/image", "UploadChannelImage", decodeUpload, d.upload(true, true), encodeUploaded)),

		op(d, "GET", "/channeltypes", "ListChannelTypes", none[core.ListTypes], c.Types.List, d.encodeTypes).Gated(server).Limited(60),
		op(d, "POST", "/channeltypes", "CreateChannelType", decodePutType(true), c.Types.Put, encodePutType).Gated(server).Limited(60),
		op(d, "DELETE", "/channeltypes/:name", "DeleteChannelType", decodeDeleteType, c.Types.Delete, writeNothing).Gated(server).Limited(60),
		op(d, "GET", "/channeltypes/:name", "GetChannelType", decodeGetType, c.Types.Get, d.encodeType).Gated(server).Limited(60),
		op(d, "PUT", "/channeltypes/:name", "UpdateChannelType", decodePutType(false), c.Types.Put, encodePutType).Gated(server).Limited(60),

		op(d, "GET", "/commands", "ListCommands", none[core.ListCommands], c.Commands.List, encodeCommands).Gated(server),
		op(d, "POST", "/commands", "CreateCommand", decodePutCommand(true), d.putCommand, encodePutCommand).Gated(server),
		op(d, "DELETE", "/commands/:name", "DeleteCommand", decodeDeleteCommand, d.deleteCommand, encodeDeletedCommand).Gated(server),
		op(d, "GET", "/commands/:name", "GetCommand", decodeGetCommand, c.Commands.Get, encodeCommand).Gated(server),
		op(d, "PUT", "/commands/:name", "UpdateCommand", decodePutCommand(false), d.putCommand, encodePutCommand).Gated(server),

		op(d, "DELETE", "/devices", "DeleteDevice", decodeRemoveDevice, c.Devices.Remove, writeNothing).Limited(300),
		op(d, "GET", "/devices", "ListDevices", decodeOwn[core.ListDevices], c.Devices.List, encodeDevices).Limited(300),
		op(d, "POST", "/devices", "CreateDevice", decodeAddDevice, c.Devices.Add, writeNothing).Limited(300),

		op(d, "POST", "/drafts/query", "QueryDrafts", decodeQueryDrafts, c.Drafts.Query, encodeDrafts),
		op(d, "POST", "/guest", "CreateGuest", decodeGuest, d.createGuest, encodeGuest).Gated(app).Limited(1000),

		op(d, "GET", "/hook/events", "GetHookEvents", none[struct{}], nothing, encodeHookEvents).Gated(server),
		op(d, "POST", "/messages/:message_id/polls/:poll_id/vote", "CastPollVote", decodeVote, c.Polls.Vote, encodeVoted),
		op(d, "DELETE", "/messages/:message_id/polls/:poll_id/vote/:vote_id", "DeletePollVote", decodeUnvote, c.Polls.Unvote, encodeVoted),
		op(d, "DELETE", "/messages/:message_id/reminders", "DeleteReminder", decodeDeleteReminder, c.Reminders.Delete, writeNothing),
		op(d, "PATCH", "/messages/:message_id/reminders", "UpdateReminder", decodePutReminder(false), c.Reminders.Put, encodeReminder),
		op(d, "POST", "/messages/:message_id/reminders", "CreateReminder", decodePutReminder(true), c.Reminders.Put, encodeReminder),

		op(d, "DELETE", "/moderation/ban", "Unban", decodeUnban, c.Moderation.Ban, writeNothing).Limited(300),
		op(d, "POST", "/moderation/ban", "Ban", decodeBan, c.Moderation.Ban, writeNothing).Limited(300),
		op(d, "POST", "/moderation/flag", "Flag", decodeFlag(false), c.Moderation.Flag, encodeFlag).Limited(300),
		op(d, "POST", "/moderation/flags", "QueryFlags", decodeQueryFlags(false), c.Moderation.Flags, encodeFlags).Gated(server),
		op(d, "GET", "/moderation/flags/message", "QueryMessageFlags", decodeQueryFlags(true), c.Moderation.Flags, encodeFlags),
		op(d, "POST", "/moderation/mute", "MuteUser", decodeMute(false), c.Moderation.Mute, encodeMuted).Limited(300),
		op(d, "POST", "/moderation/mute/channel", "MuteChannel", decodeMuteChannel(false), d.muteChannels, encodeChannelMuted).Limited(300),
		op(d, "POST", "/moderation/unflag", "Unflag", decodeFlag(true), c.Moderation.Flag, encodeFlag).Limited(300),
		op(d, "POST", "/moderation/unmute", "UnmuteUser", decodeMute(true), c.Moderation.Mute, encodeUnmuted).Limited(300),
		op(d, "POST", "/moderation/unmute/channel", "UnmuteChannel", decodeMuteChannel(true), d.muteChannels, writeNothing).Limited(300),
		op(d, "GET", "/query_banned_users", "QueryBannedUsers", decodeQueryBans, d.queryBans, encodeBans),
		op(d, "GET", "/query_future_channel_bans", "QueryFutureChannelBans", decodeFutureBans, d.queryBans, encodeBans),

		op(d, "GET", "/permissions", "ListPermissions", none[core.ListPermissions], c.Roles.Permissions, encodePermissions).Gated(server),
		op(d, "GET", "/permissions/:id", "GetPermission", decodeGetPermission, c.Roles.Permission, encodePermission).Gated(server),
		op(d, "GET", "/roles", "ListRoles", none[core.ListRoles], c.Roles.List, encodeRoles).Gated(server),
		op(d, "POST", "/roles", "CreateRole", decodePutRole, c.Roles.Put, encodeRole).Gated(server),
		op(d, "DELETE", "/roles/:name", "DeleteRole", decodeDeleteRole, c.Roles.Delete, writeNothing).Gated(server),
		op(d, "GET", "/roles/search", "SearchRoles", decodeSearchRoles, d.searchRoles, encodeRoles),

		op(d, "POST", "/polls", "CreatePoll", decodeCreatePoll, c.Polls.Put, encodePoll),
		op(d, "PUT", "/polls", "UpdatePoll", decodeUpdatePoll, c.Polls.Put, encodePoll),
		op(d, "POST", "/polls/query", "QueryPolls", decodeQueryPolls, c.Polls.Query, encodePolls),
		op(d, "DELETE", "/polls/:poll_id", "DeletePoll", decodeDeletePoll, c.Polls.Delete, writeNothing),
		op(d, "GET", "/polls/:poll_id", "GetPoll", decodeGetPoll, c.Polls.Get, encodePoll),
		op(d, "PATCH", "/polls/:poll_id", "UpdatePollPartial", decodePatchPoll, c.Polls.Put, encodePoll),
		op(d, "POST", "/polls/:poll_id/options", "CreatePollOption", decodeOption(true), d.putOption, encodeOption),
		op(d, "PUT", "/polls/:poll_id/options", "UpdatePollOption", decodeOption(false), d.putOption, encodeOption),
		op(d, "DELETE", "/polls/:poll_id/options/:option_id", "DeletePollOption", decodeDeleteOption, c.Polls.DeleteOption, writeNothing),
		op(d, "GET", "/polls/:poll_id/options/:option_id", "GetPollOption", decodeGetOption, d.getOption, encodeOption),
		op(d, "POST", "/polls/:poll_id/votes", "QueryPollVotes", decodeQueryVotes, d.queryVotes, encodeVotes),

		op(d, "POST", "/reminders/query", "QueryReminders", decodeQueryReminders, c.Reminders.Query, encodeReminders),
		op(d, "GET", "/search", "Search", decodeSearch, c.Messages.Search, encodeFound).Limited(300),
		op(d, "GET", "/tasks/:id", "GetTask", decodeGetTask, d.getTask, encodeTaskState).Gated(server),
		op(d, "POST", "/threads", "QueryThreads", decodeQueryThreads, c.Threads.Query, d.encodeThreads),
		op(d, "GET", "/threads/:message_id", "GetThread", decodeGetThread, c.Threads.Get, d.encodeThread),
		op(d, "PATCH", "/threads/:message_id", "UpdateThreadPartial", decodePatchThread, c.Threads.Patch, d.encodeThread),

		op(d, "GET", "/users/block", "GetBlockedUsers", decodeOwn[core.ListBlocks], c.Moderation.Blocks, encodeBlocks),
		op(d, "POST", "/users/block", "BlockUsers", decodeBlock(false), c.Moderation.Block, encodeBlock).Limited(300),
		op(d, "POST", "/users/unblock", "UnblockUsers", decodeBlock(true), c.Moderation.Block, writeNothing).Limited(300),

		{Method: "GET", Path: "/files/:app/:id/*name", Name: "ReadFile", Gate: open, Doc: "The content of an upload.", Serve: d.serveFile},
		op(d, "DELETE", "/uploads/file", "DeleteFile", decodeRemoveFile(false), c.Files.Remove, writeNothing),
		op(d, "DELETE", "/uploads/image", "DeleteImage", decodeRemoveFile(false), c.Files.Remove, writeNothing),
		uploading(op(d, "POST", "/uploads/file", "UploadFile", decodeUpload, d.upload(false, false), encodeUploaded)),
		uploading(op(d, "POST", "/uploads/image", "UploadImage", decodeUpload, d.upload(true, false), encodeUploaded)),
	}
}

// uploading marks a route whose body is a stream.
func uploading(r adapters.Route) adapters.Route {
	r.Upload, r.MaxBody, r.Quota = true, maxUpload, 1000
	return r
}
