package nexconn

// conversationRef names a conversation; several messages of the wire do, with other numbers.
type conversationRef struct {
	kind   int
	target string
	sub    string
	at     int64 // a time or a count that goes with it
	clean  bool
}

// numbers are the field numbers by which a message of the wire names a conversation; 0 for none.
type numbers struct{ kind, target, sub, at int }

// The messages that name a conversation.
var (
	numsReadInput  = numbers{kind: 1, at: 2, target: 3, sub: 4} // SessionMsgReadInput
	numsRelationOp = numbers{target: 1, kind: 2, sub: 3}        // RelationOpInput
	numsSession    = numbers{kind: 1, target: 2, at: 3, sub: 4} // SessionInfo
	numsReceipt    = numbers{target: 1, kind: 2, sub: 3}        // ReadReceipt, ReadReceiptMsg
)

func (m *conversationRef) read(b []byte, n numbers) error {
	return scan(b, func(f *field) error {
		switch int(f.num) {
		case n.kind:
			m.kind = f.int()
		case n.target:
			m.target = f.str()
		case n.sub:
			m.sub = f.str()
		case n.at:
			m.at = f.long()
		}
		return nil
	})
}

// conversationRefs reads a message that is a list of conversations in field 1.
func conversationRefs(b []byte, n numbers) (list []conversationRef, clean bool, err error) {
	err = scan(b, func(f *field) error {
		switch f.num {
		case 1:
			return addMessage(&list, f.b, func(c *conversationRef, b []byte) error { return c.read(b, n) })
		case 2:
			clean = f.bool()
		}
		return nil
	})
	return list, clean, err
}

// relationQuery is RelationQryInput and RelationQryFilter: a page of the conversation list.
type relationQuery struct {
	kinds []int
	count int
	start int64
	end   int64
	order int
	erase bool
	token string
	tags  []string
}

// read reads RelationQryInput.
func (m *relationQuery) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1, 9:
			return m.addKind(f)
		case 2:
			m.count = f.int()
		case 3:
			m.start = f.long()
		case 4:
			m.order = f.int()
		case 5:
			m.erase = f.bool()
		case 6:
			m.end = f.long()
		}
		return nil
	})
}

// readFilter reads RelationQryFilter.
func (m *relationQuery) readFilter(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			return m.addKind(f)
		case 2:
			m.count = f.int()
		case 3:
			m.order = f.int()
		case 4:
			return f.strs(&m.tags)
		case 6:
			m.token = f.str()
		}
		return nil
	})
}

// addKind reads one kind of conversation, or several packed ones.
func (m *relationQuery) addKind(f *field) error {
	if len(m.kinds) >= maxItems {
		return errItems
	}
	if !f.text {
		m.kinds = append(m.kinds, f.int())
		return nil
	}
	for _, v := range f.b { // kinds are below 128: one byte each
		if m.kinds = append(m.kinds, int(v)); len(m.kinds) > maxItems {
			return errItems
		}
	}
	return nil
}

// relation is RelationInfo: one conversation of the list.
type relation struct {
	kind     int
	target   string
	last     *downMessage
	read     int64
	unread   int
	sub      string
	version  int64
	mentions int
	firstID  string
	firstAt  int64
}

func (m *relation) write(p *pb) {
	p.int(1, int64(m.kind))
	p.text(2, m.target)
	if m.last != nil {
		p.msg(3, m.last.write)
	}
	p.int(4, m.read)
	p.int(5, int64(m.unread))
	p.textIf(6, m.sub)
	p.int(7, m.version)
	p.intIf(8, int64(m.mentions))
	if m.firstID != "" {
		p.msg(10, func(p *pb) {
			p.text(1, m.firstID)
			p.int(2, m.firstAt)
		})
	}
}

// relations is RelationsOutput.
type relations struct {
	list     []relation
	finished bool
	pull     int64
	token    string
}

func (m *relations) write(p *pb) {
	for i := range m.list {
		p.msg(1, m.list[i].write)
	}
	p.bool(2, m.finished)
	p.intIf(3, m.pull)
	p.textIf(6, m.token)
}

// Kinds of attributes of a conversation, SessionStateType.
const (
	stateSilent    = 1
	stateTop       = 2
	stateTags      = 3
	stateTranslate = 4
)

// stateItem is SessionStateItem: one attribute of a conversation.
type stateItem struct {
	Kind  int        `json:"kind"`
	Value string     `json:"value"`
	Tags  []stateTag `json:"tags,omitempty"`
	At    int64      `json:"at,omitempty"`
}

// stateTag is SessionTagItem: a tag of a person, or its use on a conversation.
type stateTag struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
	At   int64  `json:"at,omitempty"`
	Top  bool   `json:"top,omitempty"`
}

func (m *stateTag) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.ID = f.str()
		case 2:
			m.Name = f.str()
		case 3:
			m.At = f.long()
		case 4:
			m.Top = f.bool()
		}
		return nil
	})
}

func (m *stateTag) write(p *pb) {
	p.text(1, m.ID)
	p.textIf(2, m.Name)
	p.intIf(3, m.At)
	p.boolIf(4, m.Top)
}

func (m *stateItem) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.Kind = f.int()
		case 2:
			m.Value = f.str()
		case 3:
			return addMessage(&m.Tags, f.b, (*stateTag).read)
		case 4:
			m.At = f.long()
		}
		return nil
	})
}

func (m *stateItem) write(p *pb) {
	p.int(1, int64(m.Kind))
	p.text(2, m.Value)
	for i := range m.Tags {
		p.msg(3, m.Tags[i].write)
	}
	p.intIf(4, m.At)
}

// sessionState is SessionState: the attributes of one conversation.
type sessionState struct {
	Kind   int         `json:"kind"`
	Target string      `json:"target"`
	Sub    string      `json:"sub,omitempty"`
	At     int64       `json:"at"`
	Items  []stateItem `json:"items"`
}

func (m *sessionState) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.Kind = f.int()
		case 2:
			m.Target = f.str()
		case 3:
			m.At = f.long()
		case 4:
			return addMessage(&m.Items, f.b, (*stateItem).read)
		case 5:
			m.Sub = f.str()
		}
		return nil
	})
}

func (m *sessionState) write(p *pb) {
	p.int(1, int64(m.Kind))
	p.text(2, m.Target)
	p.intIf(3, m.At)
	for i := range m.Items {
		p.msg(4, m.Items[i].write)
	}
	p.textIf(5, m.Sub)
}

// stateChange is SessionStateModifyReq.
type stateChange struct {
	version int64
	states  []sessionState
	force   bool
}

func (m *stateChange) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.version = f.long()
		case 2:
			return addMessage(&m.states, f.b, (*sessionState).read)
		case 3:
			m.force = f.bool()
		}
		return nil
	})
}

// tagChange is SessionTagAddInput and SessionTagDelInput.
type tagChange struct {
	version int64
	tags    []stateTag
}

func (m *tagChange) read(b []byte) error {
	return scan(b, func(f *field) error {
		switch f.num {
		case 1:
			m.version = f.long()
		case 2:
			return addMessage(&m.tags, f.b, (*stateTag).read)
		}
		return nil
	})
}

// notifyMsg is NotifyMsg: there is something to pull.
func notifyMsg(kind int, at int64, room string, destroyed int) []byte {
	return build(func(p *pb) {
		p.int(1, int64(kind))
		p.int(2, at)
		p.textIf(3, room)
		p.intIf(4, int64(destroyed))
	})
}
