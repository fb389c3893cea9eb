package nexconn

// pairs of texts, ProfileInfo: fields of profiles of people and groups.
type profileInfo struct{ key, value string }

func (m *profileInfo) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.key = f.str()
		case 2:
			m.value = f.str()
		}
		return nil
	})
}

func (m *profileInfo) write(p *pb) {
	p.text(1, m.key)
	p.text(2, m.value)
}

// page is ChannelsPageParam.
type wirePage struct {
	size  int
	token string
	order int
}

func (m *wirePage) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.size = f.int()
		case 2:
			m.token = f.str()
		case 5:
			m.order = f.int()
		}
		return nil
	})
}

// Kinds of list of ChannelsListResult.
const (
	listMembers      = 1
	listApplications = 2
	listGroups       = 3
	listFriends      = 11
	listAsked        = 12
)

// listResult writes ChannelsListResult around a list of its kind.
func listResult(kind int, next string, total int, list func(*pb)) (outcome, error) {
	return answered(func(p *pb) {
		p.int(1, int64(kind))
		p.raw(2, build(list))
		p.msg(3, func(p *pb) {
			p.textIf(2, next)
			p.bool(3, next != "")
			p.int(4, int64(total))
		})
	})
}

// channelsInput is ChannelsInput: a group as a client describes it.
type channelsInput struct {
	id      string
	setting []profileInfo
	ext     []profileInfo
	users   []string
}

func (m *channelsInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.id = f.str()
		case 3:
			return addMessage(&m.setting, f.b, (*profileInfo).read)
		case 4:
			return addMessage(&m.ext, f.b, (*profileInfo).read)
		case 6:
			return f.strs(&m.users)
		}
		return nil
	})
}

// membersInput is ChannelsMembersInput and ModifyChannelsInput: what to do with members of a group.
type membersInput struct {
	id    string
	users []string
	quit  bool
	op    int
}

// Operations of ModifyChannelsInput and ChannelsMemberUpdateInput.
const (
	opAdd    = 1
	opRemove = 2
)

// read reads ChannelsMembersInput.
func (m *membersInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.id = f.str()
		case 3:
			return f.strs(&m.users)
		}
		return nil
	})
}

// readChange reads ModifyChannelsInput.
func (m *membersInput) readChange(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.id = f.str()
		case 3:
			quit, err := oneNumber(f.b, 1)
			m.quit = quit != 0
			return err
		case 4:
			return f.strs(&m.users)
		case 5:
			m.op = f.int()
		}
		return nil
	})
}

// memberUpdate is ChannelsMemberUpdateInput.
type memberUpdate struct {
	id, user, nick, extra string
	op                    int
}

func (m *memberUpdate) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.id = f.str()
		case 3:
			m.user = f.str()
		case 4:
			m.nick = f.str()
		case 5:
			m.extra = f.str()
		case 6:
			m.op = f.int()
		}
		return nil
	})
}

// groupQuery is ChannelsQueryInput.
type groupQuery struct {
	id   string
	page wirePage
	ids  []string
	role int
}

func (m *groupQuery) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.id = f.str()
		case 3:
			return m.page.read(f.b)
		case 4:
			return f.strs(&m.ids)
		case 5:
			m.role = f.int()
		}
		return nil
	})
}

// answerInput is ChannelsMemberResponseInput: the answer to an application or an invitation.
type answerInput struct {
	id, joins, inviter, text string
	who, result              int
}

// Who answers, and how.
const (
	answersInvited = 0
	answersManager = 1
	answerYes      = 1
)

func (m *answerInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.id = f.str()
		case 3:
			m.who = f.int()
		case 4:
			m.result = f.int()
		case 5:
			m.joins = f.str()
		case 6:
			m.inviter = f.str()
		case 7:
			m.text = f.str()
		}
		return nil
	})
}

// friendInput is FriendInput and FriendProfileInput.
type friendInput struct {
	target string
	kind   int
	text   string
	ext    []profileInfo
}

// read reads FriendInput.
func (m *friendInput) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.target = f.str()
		case 2:
			m.kind = f.int()
		case 3:
			m.text = f.str()
		}
		return nil
	})
}

// readProfile reads FriendProfileInput.
func (m *friendInput) readProfile(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.target = f.str()
		case 2:
			m.text = f.str()
		case 3:
			return addMessage(&m.ext, f.b, (*profileInfo).read)
		}
		return nil
	})
}

// wireTexts reads a message that is a list of texts in field 1.
func wireTexts(b []byte) ([]string, error) {
	var out []string
	err := scan(b, func(f *field) error {
		if f.num == 1 {
			return f.strs(&out)
		}
		return nil
	})
	return out, err
}

// friendInfo is FriendUserInfo.
type friendInfo struct {
	id, remark, name, image string
	at                      int64
	ext                     []profileInfo
}

func (m *friendInfo) write(p *pb) {
	p.text(1, m.id)
	p.int(2, m.at)
	p.int(3, friendBoth)
	p.textIf(5, m.remark)
	p.text(6, m.name)
	p.text(7, m.image)
	for i := range m.ext {
		p.msg(8, m.ext[i].write)
	}
}
