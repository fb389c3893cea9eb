module dragoman/integration/gosdk

go 1.26.0

require github.com/GetStream/stream-chat-go/v6 v6.0.0

require github.com/golang-jwt/jwt/v4 v4.0.0 // indirect
