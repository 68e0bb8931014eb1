/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Keys of NATS. See ferry-nkey-private.h. The NATS library signs with a seed, and wants to be told its public key. */

#include "config.h"

#include "cluster/ferry-nkey-private.h"

#include <openssl/evp.h>
#include <string.h>

#define KEY_SIZE 32
#define SUM_SIZE 2

/* What a key begins with. A seed has what kind of key it is behind its own first five bits. */
#define SEED_KIND (18 << 3)
#define USER_KIND (20 << 3)
#define SEED_SIZE (2 + KEY_SIZE + SUM_SIZE)
#define PUBLIC_SIZE (1 + KEY_SIZE + SUM_SIZE)

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/* Reads base32 without padding. Returns FALSE if that is not size bytes. */
static gboolean
decode (const char *text, guint8 *bytes, gsize size)
{
  guint32 bits = 0;
  guint n_bits = 0;
  gsize n = 0;

  for (; *text != '\0'; text++)
    {
      const char *found = strchr (alphabet, *text);

      if (found == NULL || n == size)
        return FALSE;
      bits = (bits << 5 | (guint32) (found - alphabet)) & 0xfff;
      n_bits += 5;
      if (n_bits < 8)
        continue;
      n_bits -= 8;
      bytes[n++] = (guint8) (bits >> n_bits);
    }
  return n == size;
}

/* Returns (transfer full) the base32 of bytes, as many as fill its last letter. */
static char *
encode (const guint8 *bytes, gsize size)
{
  GString *text = g_string_new (NULL);

  for (gsize bit = 0; bit < size * 8; bit += 5)
    {
      guint pair = (guint) (bytes[bit / 8] << 8 | (bit / 8 + 1 < size ? bytes[bit / 8 + 1] : 0));

      g_string_append_c (text, alphabet[pair >> (11 - bit % 8) & 0x1f]);
    }
  return g_string_free (text, FALSE);
}

/* The CRC-16 of XMODEM. */
static guint16
sum_up (const guint8 *bytes, gsize size)
{
  guint16 sum = 0;

  for (gsize i = 0; i < size; i++)
    {
      sum ^= (guint16) (bytes[i] << 8);
      for (guint bit = 0; bit < 8; bit++)
        sum = (guint16) (sum << 1 ^ ((sum & 0x8000) != 0 ? 0x1021 : 0));
    }
  return sum;
}

static gboolean
read_seed (const char *text, guint8 *seed)
{
  return decode (text, seed, SEED_SIZE) && (seed[0] & 0xf8) == SEED_KIND &&
         (guint8) (seed[0] << 5 | seed[1] >> 3) == USER_KIND &&
         sum_up (seed, SEED_SIZE - SUM_SIZE) == (seed[SEED_SIZE - 2] | seed[SEED_SIZE - 1] << 8);
}

static gboolean
derive (const guint8 *secret, guint8 *public)
{
  EVP_PKEY *pair = EVP_PKEY_new_raw_private_key (EVP_PKEY_ED25519, NULL, secret, KEY_SIZE);
  size_t size = KEY_SIZE;
  gboolean is_derived = pair != NULL && EVP_PKEY_get_raw_public_key (pair, public, &size) == 1;

  EVP_PKEY_free (pair);
  return is_derived;
}

char *
ferry_nkey_dup_public (const char *seed)
{
  guint8 bytes[SEED_SIZE] = {0};
  guint8 public[PUBLIC_SIZE] = {USER_KIND};
  gboolean is_well = read_seed (seed, bytes) && derive (bytes + 2, public + 1);
  guint16 sum = sum_up (public, PUBLIC_SIZE - SUM_SIZE);

  explicit_bzero (bytes, sizeof bytes);
  public[PUBLIC_SIZE - 2] = sum & 0xff;
  public[PUBLIC_SIZE - 1] = (guint8) (sum >> 8);
  return is_well ? encode (public, PUBLIC_SIZE) : NULL;
}
