// The FIPS 140 module: its text and data are bracketed, kept together and covered by a checksum.
package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha3"
	"fmt"
)

func main() {
	mac := hmac.New(sha256.New, []byte("key"))
	mac.Write([]byte("message"))
	block, _ := aes.NewCipher(make([]byte, 16))
	gcm, _ := cipher.NewGCM(block)
	sealed := gcm.Seal(nil, make([]byte, gcm.NonceSize()), []byte("text"), nil)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	fmt.Printf("%x %x %v %v %x %v\n", mac.Sum(nil)[:4], sealed[:4], key != nil, err, sha3.Sum256(nil), fips140.Enabled())
}
