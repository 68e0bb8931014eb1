/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include "cluster/operator-test.h"

#include <nats/nats.h>
#include <string.h>
#include <sys/stat.h>

#define AN_HOUR (60 * 60)
#define SECONDS_NOW (g_get_real_time () / G_USEC_PER_SEC)

/* The NATS library signs for accounts and users only, so the seed of the operator is written as that of an account. */
static const struct
{
  const char *seed;
  const char *public_key;
} keys[] = {
  [OPERATOR_TEST_OPERATOR] = {"SAAKW2I7D2GTQBDCIKGM574WUNO43P3CW7ZAKWZENNSA7GP5TUKRBUDVIY",
                              "OCQAXFZ3SGWONLOZQKKBBN467L2BU4RB2VQ4A6OHCJR7HKZFWPIE443R"},
  [OPERATOR_TEST_ONE] = {"SAAFAQ5OH43W3L6UWFIKDUIXCFVMDL7SPNPK3KPMHGJKCN5XSL2DWDDKTI",
                         "ACVSSIABMKGMS7QWR4VQKMPEJ2EO35EW32NGC6YRT2LZJI5LCWHZGK5C"},
  [OPERATOR_TEST_OTHER] = {"SAAHKP7FGSFWRJCEKHANZU5GQKOUIAGXKMOIIOD3SSIGSPPL2MH4HRCWKQ",
                           "ABOD2EVXUBW23ZGYYYCMSSJLGR22O2NRUATQ2HUWMYEVJWGTOFLWRHDE"},
  [OPERATOR_TEST_USER] = {"SUAINUNIRZ6LHYQICV5PFRL74JNTDVU5K65XHE6XF6QEL47V72YAT2NDZE",
                          "UAG6KHXQUINYFAIBJI7RB5TL5OUZCO2DNUO36WHG73VSDGXYFE3IZXPH"},
  [OPERATOR_TEST_SECOND_USER] = {"SUAFCWXW5ZMBBSKRKLY5PFJ2VZBLXES7PFWGLFQA3ITICFNSMHEZJERXSU",
                                 "UAUHGIFNST5AX6J35DZI3GIT36MJCHJ3NSLXKISU4STRYSIK3XD42OBX"},
};

/* ---- Tokens ---- */

/* base64 for URLs, as tokens have it. */
static char *
encode (const void *data, gsize size)
{
  g_autofree char *text = g_base64_encode (data, size);

  g_strdelimit (g_strdelimit (text, "+", '-'), "/", '_');
  g_strdelimit (text, "=", '\0');
  return g_strdup (text);
}

/* facts: what the token says of subject, as the inside of an object of JSON. */
static char *
make_token (OperatorTestKey issuer, OperatorTestKey subject, gint64 expiry, const char *facts)
{
  static const char header[] = "{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}";
  g_autofree char *claims =
    g_strdup_printf ("{\"jti\":\"%u\",\"iat\":%" G_GINT64_FORMAT ",\"exp\":%" G_GINT64_FORMAT
                     ",\"iss\":\"%s\",\"sub\":\"%s\",\"name\":\"test\",\"nats\":{%s,\"version\":2}}",
                     subject, SECONDS_NOW, expiry, keys[issuer].public_key, keys[subject].public_key, facts);
  g_autofree char *encoded_header = encode (header, strlen (header));
  g_autofree char *encoded_claims = encode (claims, strlen (claims));
  g_autofree char *text = g_strdup_printf ("%s.%s", encoded_header, encoded_claims);
  g_autofree char *encoded_signature = NULL;
  unsigned char *signature;
  int size;

  g_assert_cmpint (nats_Open (-1), ==, NATS_OK);
  g_assert_cmpint (nats_Sign (keys[issuer].seed, text, &signature, &size), ==, NATS_OK);
  encoded_signature = encode (signature, (gsize) size);
  free (signature);
  return g_strdup_printf ("%s.%s", text, encoded_signature);
}

static char *
make_account_token (OperatorTestKey account, OperatorTestKey revoked)
{
  g_autofree char *revocations =
    revoked != 0 ? g_strdup_printf ("\"%s\":%" G_GINT64_FORMAT, keys[revoked].public_key, SECONDS_NOW + AN_HOUR)
                 : g_strdup ("");
  g_autofree char *facts = g_strdup_printf (
    "\"type\":\"account\",\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,"
    "\"wildcards\":true,\"conn\":-1,\"leaf\":-1},\"revocations\":{%s}",
    revocations);

  return make_token (OPERATOR_TEST_OPERATOR, account, 0, facts);
}

char *
operator_test_make_configuration (OperatorTestKey revoked)
{
  g_autofree char *operator= make_token (OPERATOR_TEST_OPERATOR, OPERATOR_TEST_OPERATOR, 0, "\"type\":\"operator\"");
  g_autofree char *one = make_account_token (OPERATOR_TEST_ONE, revoked);
  g_autofree char *other = make_account_token (OPERATOR_TEST_OTHER, 0);

  return g_strdup_printf ("operator: %s\nresolver: MEMORY\nresolver_preload: {\n%s: %s\n%s: %s\n}\n", operator,
                          keys[OPERATOR_TEST_ONE].public_key, one, keys[OPERATOR_TEST_OTHER].public_key, other);
}

/* ---- Files ---- */

char *
operator_test_write_credentials (NatsTestServer *server, const char *name, OperatorTestCredentials credentials)
{
  const char *seed = keys[credentials.seed != 0 ? credentials.seed : credentials.user].seed;
  g_autofree char *token =
    make_token (credentials.account, credentials.user, credentials.expiry,
                "\"type\":\"user\",\"pub\":{},\"sub\":{},\"subs\":-1,\"data\":-1,\"payload\":-1");
  g_autofree char *text = g_strdup_printf ("-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n"
                                           "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n",
                                           token, seed);
  char *path = nats_test_server_get_path (server, name);

  nats_test_server_write (server, name, text);
  g_assert_cmpint (chmod (path, 0600), ==, 0);
  return path;
}
