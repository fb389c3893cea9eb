// The smallest chat page of the vendor's React kit. The one line that is ours to change is baseURL.
import { createRoot } from 'react-dom/client';
import {
  Channel,
  ChannelHeader,
  ChannelList,
  Chat,
  MessageComposer,
  MessageList,
  Thread,
  Window,
  useCreateChatClient,
} from 'stream-chat-react';
import 'stream-chat-react/css/index.css';

const { apiKey, baseURL, user, token } = JSON.parse(document.getElementById('who').textContent);
const options = { baseURL };
const filters = { type: 'messaging', members: { $in: [user] } };
const sort = { last_message_at: -1 };
const list = { state: true, watch: true, presence: true };

function App() {
  const client = useCreateChatClient({ apiKey, options, tokenOrProvider: token, userData: { id: user } });
  if (!client) return <p id="connecting">Connecting…</p>;
  return (
    <Chat client={client}>
      <div className="side">
        <ChannelList filters={filters} sort={sort} options={list} />
      </div>
      <div className="main">
        <Channel>
          <Window>
            <ChannelHeader />
            <MessageList />
            <MessageComposer />
          </Window>
          <Thread />
        </Channel>
      </div>
    </Chat>
  );
}

createRoot(document.getElementById('root')).render(<App />);
