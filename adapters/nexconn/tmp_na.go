package nexconn

import (
	"strings"
	"dragoman/core"
)

func tmpCommunityKey(id, sub string) core.ChannelKey { return core.KeyOf("community", id+"/"+sub) }
func communityID(key core.ChannelKey) (id, sub string) {
	s := strings.TrimPrefix(string(key), "community:")
	i := strings.LastIndexByte(s, '/')
	return s[:max(i, 0)], s[i+1:]
}

const (
	maxContent = 128 << 10
)
