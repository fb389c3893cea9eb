package sqlite_test

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dragoman/core"
	"dragoman/core/store"
	"dragoman/core/store/sqlite"
)

// crashEnv names the database to a child process that writes until it is killed.
const crashEnv = "SQLITE_CRASH_PATH"

const (
	crashWriters  = 16
	crashChannels = 4
	crashKills    = 4
)

// writeUntilKilled is the child: every acknowledged alias is printed after its answer.
func writeUntilKilled(path string) {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Options{Path: path})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	app, chs, err := crashFixture(ctx, s)
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var mu sync.Mutex
	run := strconv.FormatInt(time.Now().UnixNano(), 36)
	for w := range crashWriters {
		go func() {
			for i := 0; ; i++ {
				now := time.Now()
				m := core.Message{Channel: chs[(w+i)%crashChannels], User: "ann", Text: "x", Alias: fmt.Sprintf("%s-%d-%d", run, w, i), CreatedAt: now, UpdatedAt: now}
				in := store.Append{App: app, Message: &m, Outbox: true, MoveRead: true}
				err := s.Append(ctx, &in, nil)
				mu.Lock()
				if err != nil {
					fmt.Println("error", err)
				} else {
					fmt.Println("ack", m.Channel, in.Message.Alias, in.Message.ID)
				}
				mu.Unlock()
			}
		}()
	}
	select {}
}

// crashFixture makes or finds the app and its channels.
func crashFixture(ctx context.Context, s store.Store) (core.AppID, []core.ChannelID, error) {
	app := core.App{Name: "crash"}
	var chs []core.ChannelID
	err := s.Update(ctx, 0, 0, func(tx store.Tx) error {
		chs = chs[:0]
		if err := tx.PutApp(&app); err != nil {
			return err
		}
		for i := range crashChannels {
			key := core.ChannelKey(strconv.Itoa(i))
			c, err := tx.Channel(ctx, app.ID, key)
			if err != nil {
				c = core.Channel{Key: key, Type: "messaging"}
				if err := tx.PutChannel(app.ID, &c); err != nil {
					return err
				}
			}
			chs = append(chs, c.ID)
		}
		return nil
	}, nil)
	return app.ID, chs, err
}

// TestKilledWhileWriting kills a writing process several times and checks that what it acknowledged
// is stored once, that numbers have no gap, and that sending again does not store twice.
func TestKilledWhileWriting(t *testing.T) {
	if path := os.Getenv(crashEnv); path != "" {
		writeUntilKilled(path)
	}
	path := filepath.Join(t.TempDir(), "crash.db")
	acked := map[string]core.MessageID{}
	for range crashKills {
		killOne(t, path, len(acked)+1000, acked)
	}
	s := open(t, sqlite.Options{Path: path})
	app, chs, err := crashFixture(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	stored := map[string]core.MessageID{}
	total := 0
	for _, ch := range chs {
		n := int64(0)
		for {
			ms, err := s.RangeMessages(t.Context(), app, store.Range{Channel: ch, Above: n, Hidden: true, All: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(ms) == 0 {
				break
			}
			for _, m := range ms {
				if n++; m.Seq != n {
					t.Fatalf("message %d of channel %d has seq %d", n, ch, m.Seq)
				}
				if stored[m.Alias] != 0 {
					t.Fatalf("alias %s is stored twice", m.Alias)
				}
				stored[m.Alias] = m.ID
				total++
			}
		}
	}
	for alias, id := range acked {
		if stored[alias] != id {
			t.Errorf("acknowledged message %s is stored as %d, want %d", alias, stored[alias], id)
		}
	}
	rows := 0
	for range total { // the outbox holds each once; read it down
		got, err := s.Outbox(t.Context(), 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		ids := make([]int64, len(got))
		for i, r := range got {
			ids[i] = r.ID
		}
		rows += len(got)
		if err := s.Update(t.Context(), app, 0, func(tx store.Tx) error { return tx.DeleteOutbox(ids) }, nil); err != nil {
			t.Fatal(err)
		}
	}
	if rows != total {
		t.Errorf("%d messages have %d outbox rows", total, rows)
	}
	again := 0
	for alias, id := range acked {
		if again++; again > 200 {
			break
		}
		m := core.Message{Channel: chs[0], User: "ann", Text: "x", Alias: alias, CreatedAt: time.Now()}
		in := store.Append{App: app, Message: &m}
		if err := s.Append(t.Context(), &in, nil); err != nil || !in.Duplicate || in.Message.ID != id {
			t.Fatalf("sent again, %s is %+v, %v", alias, in, err)
		}
	}
	t.Logf("%d kills, %d acknowledged, %d stored", crashKills, len(acked), total)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	checkIntegrity(t, path)
}

// killOne starts a child, kills it once enough is acknowledged and notes what was.
func killOne(t *testing.T, path string, enough int, acked map[string]core.MessageID) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledWhileWriting$") //nolint:gosec // this binary
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	killed := false
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF || err != nil {
			break // the last line may be half of one
		}
		word := strings.Fields(line)
		if len(word) != 4 || word[0] != "ack" {
			t.Errorf("child says %s", line)
			continue
		}
		id, _ := strconv.ParseInt(word[3], 10, 64)
		acked[word[2]] = core.MessageID(id)
		if len(acked) >= enough && !killed {
			killed = true
			if err := cmd.Process.Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	_ = cmd.Wait() // killed
	if !killed {
		t.Fatal("the child ended before it was killed")
	}
}

func checkIntegrity(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRowContext(t.Context(), "PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check says %q, %v", verdict, err)
	}
}
