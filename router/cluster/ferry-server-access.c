/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Settings of a connection to NATS servers, such as keys and certificates; one attempt to connect, and what to say when
 * it fails.
 *
 * The NATS library could connect again by itself. It then gives up when a server refuses the credentials twice, and
 * does not say why an attempt failed. It checks one name of a host for all servers. So each connection here ends when
 * it is lost, and the bus makes the next one.
 *
 * Owner:   one; freed by it.
 * Threads: one at a time.
 * Trust:   the settings are the program's. What a server says of other servers is checked, and bounded. */

#include "config.h"

#include "cluster/ferry-server-access-private.h"

#include "cluster/ferry-server-link-private.h"

#include <gio/gio.h>
#include <netdb.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "cluster/ferry-run-message-private.h"

#define DEFAULT_PORT 4222
#define DEFAULT_USER "user"

/* How many servers are kept in mind. */
#define MAX_SERVERS 64

/* In milliseconds: how long a server may take to accept a connection and what is sent. Then how often it is asked
 * whether it is there. It is not after MAX_PINGS questions without an answer. Where there are several servers, each
 * gets FIRST_TIMEOUT to accept a connection, and twice the time whenever all of them have failed. */
#define CONNECT_TIMEOUT 5000
#define FIRST_TIMEOUT 1000
#define WRITE_TIMEOUT 5000
#define PING_INTERVAL 5000
#define MAX_PINGS 2

/* How long a server may take to introduce itself once more, in seconds, and with how many bytes. */
#define INFO_SECONDS 2
#define INFO_SIZE 16384

/* How many signatures a server is shown before it is believed that it wants none of them. Before 3.8, the library
 * leaves out one of 256: those that begin with a 0. */
#define MAX_SIGNATURES (NATS_VERSION_NUMBER < 0x030800 ? 4 : 1)

typedef struct
{
  char *host;    /* as the certificate must have it */
  char *address; /* as the program wrote it, without a user */
  guint16 port;
  gboolean is_secure;
  gboolean has_tls;    /* though it need not: the library uses it then */
  gboolean has_looked; /* is_exposed is right */
  gboolean is_exposed; /* it lets in who has no credentials, from other machines as well */
} Server;

struct _FerryServerAccess
{
  GPtrArray *servers; /* (element-type Server) */
  guint tried;        /* index of the server that was tried last */
  guint next;
  guint n_failed;         /* how many attempts, since the last one that was no failure */
  char *user;             /* of the subjects */
  char *login;            /* (nullable): by which user the server knows this end; NULL: the same */
  char *password;         /* (nullable): of that one */
  char *credentials_file; /* (nullable) */
  char *nkey_seed_file;   /* (nullable) */
  char *tls_ca_file;      /* (nullable) */
  char *name;
  char *inbox;   /* (nullable) */
  gint64 expiry; /* of the credentials, as their file says: in seconds since 1970; 0: never */
};

static void
server_free (gpointer data)
{
  Server *self = data;

  g_free (self->host);
  g_free (self->address);
  g_free (self);
}

/* Takes host. */
static Server *
server_new (char *host, guint16 port, gboolean is_secure)
{
  Server *self = g_new0 (Server, 1);
  gboolean is_ip6 = strchr (host, ':') != NULL;

  *self = (Server){.host = host, .port = port, .is_secure = is_secure};
  self->address =
    g_strdup_printf ("%s://%s%s%s:%u", is_secure ? "tls" : "nats", is_ip6 ? "[" : "", host, is_ip6 ? "]" : "", port);
  return self;
}

/* ---- Settings ---- */

/* Takes the user and the password of a URL, unless there are some already. A password that was set on its own is that
 * of the user that was set, where one was. */
static void
take_user (FerryServerAccess *self, char *user, char *password)
{
  if (self->login == NULL && user != NULL && (self->password == NULL || self->user == NULL))
    {
      self->login = g_steal_pointer (&user);
      if (self->password == NULL)
        self->password = g_steal_pointer (&password);
    }
  g_free (user);
  g_free (password);
}

static gboolean
add_url (FerryServerAccess *self, const char *url, GError **error)
{
  g_autofree char *scheme = NULL;
  g_autofree char *host = NULL;
  char *user = NULL;
  char *password = NULL;
  gint port = -1;

  if (!g_uri_split_with_user (url, G_URI_FLAGS_HAS_PASSWORD, &scheme, &user, &password, NULL, &host, &port, NULL, NULL,
                              NULL, NULL) ||
      scheme == NULL || host == NULL || *host == '\0' ||
      (!g_str_equal (scheme, "nats") && !g_str_equal (scheme, "tls")))
    {
      g_free (user);
      g_free (password);
      return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                              "The URL of a NATS server is not of the form 'nats://HOST:PORT' or 'tls://HOST:PORT'; "
                              "correct it");
    }
  take_user (self, user, password);
  g_ptr_array_add (self->servers, server_new (g_steal_pointer (&host), port > 0 ? (guint16) port : DEFAULT_PORT,
                                              self->tls_ca_file != NULL || g_str_equal (scheme, "tls")));
  return TRUE;
}

static gboolean
add_urls (FerryServerAccess *self, const char *urls, GError **error)
{
  g_auto (GStrv) list = g_strsplit (urls, ",", MAX_SERVERS + 1);

  for (guint i = 0; list[i] != NULL && i < MAX_SERVERS; i++)
    if (!add_url (self, g_strstrip (list[i]), error))
      return FALSE;
  return self->servers->len > 0 ||
         ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "There is no URL of a NATS server; set one");
}

static gboolean
check_token (const char *text, const char *what, GError **error)
{
  return text == NULL || ferry_token_is_valid (text) ||
         ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "'%s' cannot be the name of %s; use 1 to %u of A-Z, a-z, 0-9, '_' and '-'", text, what,
                          FERRY_MAX_TOKEN);
}

/* The NATS library puts texts between quotes as they are. */
static gboolean
check_quotable (const char *text, const char *what, GError **error)
{
  for (const char *at = text; at != NULL && *at != '\0'; at++)
    if (*at == '"' || *at == '\\' || (guchar) *at < ' ')
      return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                              "%s has a quotation mark, a backslash or a control character, which the NATS library "
                              "cannot send; use others",
                              what);
  return TRUE;
}

static gboolean
check (FerryServerAccess *self, const FerryBusSettings *settings, GError **error)
{
  guint n_ways = (self->password != NULL) + (self->credentials_file != NULL) + (self->nkey_seed_file != NULL);

  if (n_ways > 1)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "A password, a file of credentials and a file with an nkey's seed exclude each other; set "
                            "one of them");
  return check_token (settings->application, "an application", error) && check_token (self->user, "a user", error) &&
         check_token (settings->host, "a host", error) && check_quotable (self->login, "The user", error) &&
         check_quotable (self->password, "The password", error) &&
         check_quotable (self->name, "The name of the connection", error);
}

FerryServerAccess *
ferry_server_access_new (const FerryBusSettings *settings, GError **error)
{
  g_autoptr (FerryServerAccess) self = g_new0 (FerryServerAccess, 1);

  self->servers = g_ptr_array_new_with_free_func (server_free);
  self->user = g_strdup (settings->user);
  self->password = g_strdup (settings->password);
  self->credentials_file = g_strdup (settings->credentials_file);
  self->nkey_seed_file = g_strdup (settings->nkey_seed_file);
  self->tls_ca_file = g_strdup (settings->tls_ca_file);
  if (!add_urls (self, settings->url, error))
    return NULL;
  if (self->user == NULL)
    self->user = g_strdup (self->login != NULL ? self->login : DEFAULT_USER);
  self->name = g_strdup (settings->name != NULL   ? settings->name
                         : settings->host != NULL ? settings->host
                                                  : settings->application);
  return check (self, settings, error) ? g_steal_pointer (&self) : NULL;
}

void
ferry_server_access_free (FerryServerAccess *self)
{
  g_ptr_array_unref (self->servers);
  g_free (self->user);
  g_free (self->login);
  g_free (self->password);
  g_free (self->credentials_file);
  g_free (self->nkey_seed_file);
  g_free (self->tls_ca_file);
  g_free (self->name);
  g_free (self->inbox);
  g_free (self);
}

void
ferry_server_access_set_inbox (FerryServerAccess *self, const char *inbox)
{
  g_free (self->inbox);
  self->inbox = g_strdup (inbox);
}

const char *
ferry_server_access_get_user (const FerryServerAccess *self)
{
  return self->user;
}

/* Returns (transfer none) the user by which the server knows this end, where it has a password. */
static const char *
get_login (const FerryServerAccess *self)
{
  return self->login != NULL ? self->login : self->user;
}

static Server *
get_tried (const FerryServerAccess *self)
{
  return g_ptr_array_index (self->servers, self->tried);
}

const char *
ferry_server_access_get_address (const FerryServerAccess *self)
{
  return get_tried (self)->address;
}

/* ---- Keys of NATS ---- */

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

/* Returns (transfer full) (nullable) the public key of the seed of a user, as the NATS library wants to be told it. */
static char *
dup_public (const char *seed)
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

/* ---- One attempt ---- */

/* The seed that a file has, and its public key. */
typedef struct
{
  char *seed;   /* (owned) (nullable) */
  char *public; /* (owned) (nullable) */
} Keys;

static void
keys_clear (Keys *self)
{
  if (self->seed != NULL)
    explicit_bzero (self->seed, strlen (self->seed));
  g_clear_pointer (&self->seed, g_free);
  g_clear_pointer (&self->public, g_free);
}

static gboolean
refuse_file (const char *what, const char *file, const char *why, GError **error)
{
  return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The file of %s '%s' cannot be used (%s); correct it", what,
                          file, why);
}

static gboolean
check_readable (const char *what, const char *file, GError **error)
{
  if (access (file, R_OK) == 0)
    return TRUE;
  if (errno == ENOENT)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "The file of %s '%s' does not exist; set one that does",
                            what, file);
  return refuse_file (what, file, g_strerror (errno), error);
}

static gboolean
read_keys (const char *file, Keys *keys, GError **error)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gsize size = 0;

  if (!check_readable ("the nkey", file, error))
    return FALSE;
  if (!g_file_get_contents (file, &text, &size, NULL))
    return refuse_file ("the nkey", file, "it cannot be read", error);
  lines = g_strsplit_set (text, "\r\n", -1);
  explicit_bzero (text, size);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (keys->seed == NULL && g_str_has_prefix (lines[i], "SU"))
        keys->seed = g_strdup (g_strchomp (lines[i]));
      explicit_bzero (lines[i], strlen (lines[i]));
    }
  if (keys->seed == NULL)
    return refuse_file ("the nkey", file, "it has no line that begins with SU, the seed of a user", error);
  keys->public = dup_public (keys->seed);
  return keys->public != NULL ||
         refuse_file ("the nkey", file, "its line that begins with SU is not the seed of a user as 'nk' writes it",
                      error);
}

/* Returns until when a token is valid, in seconds since 1970; 0: it does not expire. It has three parts in base64 for
 * URLs, with dots between them; the second is an object of JSON. */
static gint64
find_expiry (const char *token)
{
  const char *start = strchr (token, '.');
  const char *end = start != NULL ? strchr (start + 1, '.') : NULL;
  g_autofree char *part = end != NULL ? g_strndup (start + 1, (gsize) (end - start - 1)) : g_strdup ("");
  const char *padding = (const char *[]){"", "", "==", "="}[strlen (part) % 4];
  g_autofree char *padded = g_strconcat (g_strdelimit (g_strdelimit (part, "-", '+'), "_", '/'), padding, NULL);
  gsize size;
  g_autofree guchar *data = g_base64_decode (padded, &size);
  const char *found = g_strstr_len ((const char *) data, (gssize) size, "\"exp\":");
  g_autofree char *number = NULL;

  if (found == NULL)
    return 0;
  number = g_strndup (found, (gsize) ((const char *) data + size - found));
  return g_ascii_strtoll (number + strlen ("\"exp\":"), NULL, 10);
}

static gboolean
read_credentials (FerryServerAccess *self, GError **error)
{
  static const char token_mark[] = "-----BEGIN NATS USER JWT-----";
  g_autofree char *text = NULL;
  gsize size = 0;
  const char *token;
  gboolean has_seed;

  if (!check_readable ("credentials", self->credentials_file, error))
    return FALSE;
  if (!g_file_get_contents (self->credentials_file, &text, &size, NULL))
    return refuse_file ("credentials", self->credentials_file, "it cannot be read", error);
  token = strstr (text, token_mark);
  has_seed = strstr (text, "\nSU") != NULL;
  self->expiry = token != NULL ? find_expiry (token + strlen (token_mark)) : 0;
  explicit_bzero (text, size);
  return (token != NULL && has_seed) ||
         refuse_file ("credentials", self->credentials_file,
                      token == NULL ? "it has no line 'BEGIN NATS USER JWT', with the token of a user below it"
                                    : "it has no line that begins with SU, the seed of a user",
                      error);
}

/* On this thread, while natsConnection_Connect() runs. closure: the seed. */
static natsStatus
sign (char **error_text, unsigned char **signature, int *length, const char *nonce, void *closure)
{
  return nats_Sign (closure, nonce, signature, length);
}

static natsStatus
set_credentials (FerryServerAccess *self, natsOptions *options, const Keys *keys)
{
  if (keys->seed != NULL)
    return natsOptions_SetNKey (options, keys->public, sign, keys->seed);
  if (self->credentials_file != NULL)
    return natsOptions_SetUserCredentialsFromFiles (options, self->credentials_file, NULL);
  return self->password != NULL ? natsOptions_SetUserInfo (options, get_login (self), self->password) : NATS_OK;
}

static natsStatus
set_security (FerryServerAccess *self, natsOptions *options, const Server *server)
{
  natsStatus status;

  if (!server->is_secure)
    return NATS_OK;
  status = natsOptions_SetSecure (options, true);
  if (status == NATS_OK && self->tls_ca_file != NULL)
    status = natsOptions_LoadCATrustedCertificates (options, self->tls_ca_file);
  return status == NATS_OK ? natsOptions_SetExpectedHostname (options, server->host) : status;
}

/* In milliseconds. */
static gint64
get_timeout (FerryServerAccess *self)
{
  guint n_rounds = self->n_failed / self->servers->len;

  if (self->servers->len == 1 || n_rounds >= CONNECT_TIMEOUT / FIRST_TIMEOUT)
    return CONNECT_TIMEOUT;
  return MIN (FIRST_TIMEOUT << n_rounds, CONNECT_TIMEOUT);
}

static natsStatus
set_manners (FerryServerAccess *self, natsOptions *options, const Server *server)
{
  gboolean is_ip6 = strchr (server->host, ':') != NULL;
  g_autofree char *url =
    g_strdup_printf ("nats://%s%s%s:%u", is_ip6 ? "[" : "", server->host, is_ip6 ? "]" : "", server->port);
  natsStatus status = natsOptions_SetURL (options, url);

  if (status == NATS_OK)
    status = natsOptions_SetName (options, self->name);
  if (status == NATS_OK)
    status = natsOptions_SetAllowReconnect (options, false);
  /* Else what is sent waits for a thread that wakes each millisecond. */
  if (status == NATS_OK)
    status = natsOptions_SetSendAsap (options, true);
  if (status == NATS_OK && self->inbox == NULL)
    status = natsOptions_DisableNoResponders (options, true);
  if (status == NATS_OK && self->inbox != NULL)
    status = natsOptions_SetCustomInboxPrefix (options, self->inbox);
  if (status == NATS_OK)
    status = natsOptions_SetTimeout (options, get_timeout (self));
  if (status == NATS_OK)
    status = natsOptions_SetWriteDeadline (options, WRITE_TIMEOUT);
  if (status == NATS_OK)
    status = natsOptions_SetPingInterval (options, PING_INTERVAL);
  return status == NATS_OK ? natsOptions_SetMaxPingsOut (options, MAX_PINGS) : status;
}

const char *
ferry_server_access_describe (natsStatus status)
{
  const char *text = nats_GetLastError (NULL);
  const char *place_end = text != NULL && *text == '(' ? strstr (text, "): ") : NULL;

  if (text == NULL || *text == '\0')
    return natsStatus_GetText (status);
  /* The library begins some with a place in its own source. */
  return place_end != NULL ? place_end + strlen ("): ") : text;
}

/* The server has refused what this end has shown it. text: what the server says. */
static void
set_refusal (FerryServerAccess *self, const char *text, GError **error)
{
  const char *address = get_tried (self)->address;
  g_autoptr (GDateTime) expiry = self->expiry > 0 ? g_date_time_new_from_unix_local (self->expiry) : NULL;
  g_autofree char *date = expiry != NULL ? g_date_time_format (expiry, "%F %T %Z") : NULL;

  if (self->nkey_seed_file != NULL)
    ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                     "The NATS server at '%s' does not let the nkey in '%s' in (%s); add its public key to the "
                     "server's configuration",
                     address, self->nkey_seed_file, text);
  else if (self->credentials_file == NULL && self->password == NULL && strcmp (get_login (self), DEFAULT_USER) == 0)
    ferry_set_error (
      error, FERRY_ERROR_NOT_ALLOWED,
      "The NATS server at '%s' does not let anybody in without a user (%s); put the user and the password "
      "into the URL, as in 'nats://user:password@server', or set a file of credentials or an nkey",
      address, text);
  else if (self->credentials_file == NULL)
    ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                     "The NATS server at '%s' does not let the user '%s' in (%s); correct the password or the file of "
                     "credentials, or add the user to the server's configuration",
                     address, get_login (self), text);
  else if (date != NULL && self->expiry <= g_get_real_time () / G_USEC_PER_SEC)
    ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                     "The NATS server at '%s' does not take the credentials in '%s' (%s), which were valid until %s; "
                     "get new ones",
                     address, self->credentials_file, text, date);
  else
    ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                     "The NATS server at '%s' does not take the credentials in '%s' (%s): they were revoked, their "
                     "seed is not that of their token, or the server does not know their account; get new ones",
                     address, self->credentials_file, text);
}

/* Returns (transfer none) (nullable) why the name of a server stands for no machine. */
static const char *
find_name_fault (const Server *server)
{
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  int code = getaddrinfo (server->host, NULL, &hints, &found);

  if (code != 0)
    return code == EAI_SYSTEM ? g_strerror (errno) : gai_strerror (code);
  freeaddrinfo (found);
  return NULL;
}

/* Nobody has answered. The NATS library says the same where it could not find out which server to ask. */
static void
set_silence (FerryServerAccess *self, const char *text, GError **error)
{
  const Server *server = get_tried (self);
  const char *fault = find_name_fault (server);

  if (fault != NULL)
    ferry_set_error (
      error, FERRY_ERROR_NOT_LISTENING,
      "No machine has the name '%s' in the address '%s' (%s); correct the name, or have the name service "
      "of this machine know it",
      server->host, server->address, fault);
  else
    ferry_set_error (error, FERRY_ERROR_NOT_LISTENING,
                     "No NATS server answers at '%s' (%s); start one there, or correct the address", server->address,
                     text);
}

/* What a failed attempt means, and what to do about it. */
static void
set_error (FerryServerAccess *self, natsStatus status, GError **error)
{
  const char *address = get_tried (self)->address;
  const char *text = ferry_server_access_describe (status);

  switch (status)
    {
    case NATS_NO_SERVER:
    case NATS_IO_ERROR:
    case NATS_TIMEOUT:
    case NATS_CONNECTION_CLOSED:
      set_silence (self, text, error);
      break;
    case NATS_CONNECTION_AUTH_FAILED:
      set_refusal (self, text, error);
      break;
    case NATS_SSL_ERROR:
      ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                       "The NATS server at '%s' did not prove who it is (%s); set the file of the certificate that "
                       "signed the server's, and use an address that the server's certificate has",
                       address, text);
      break;
    case NATS_SECURE_CONNECTION_WANTED:
      ferry_set_error (error, FERRY_ERROR_NOT_ALLOWED,
                       "The NATS server at '%s' has no TLS; switch it on in the server's configuration, or begin the "
                       "address with 'nats://' and set no certificate",
                       address);
      break;
    default:
      ferry_set_error (error, FERRY_ERROR_SYSTEM, "The NATS server at '%s' could not be connected to: %s", address,
                       text);
    }
}

/* Without a handler the library prints it. */
static void
ignore_failure (natsConnection *connection, natsSubscription *subscription, natsStatus status, void *closure)
{
}

static natsStatus
set_handlers (natsOptions *options, const FerryServerHandlers *handlers, gpointer closure)
{
  natsStatus status;

  if (handlers == NULL)
    return natsOptions_SetErrorHandler (options, ignore_failure, NULL);
  status = natsOptions_SetClosedCB (options, handlers->closed, closure);
  if (status == NATS_OK)
    status = natsOptions_SetErrorHandler (options, handlers->failed, closure);
  return status == NATS_OK ? natsOptions_SetDiscoveredServersCB (options, handlers->learned, closure) : status;
}

static natsStatus
try_to_connect (FerryServerAccess *self, natsOptions *options, natsConnection **connection)
{
  gboolean signs = self->credentials_file != NULL || self->nkey_seed_file != NULL;
  natsStatus status;
  guint n = 0;

  /* Each time the server has something else signed. */
  do
    status = natsConnection_Connect (connection, options);
  while (status == NATS_CONNECTION_AUTH_FAILED && signs && ++n < MAX_SIGNATURES);
  return status;
}

natsConnection *
ferry_server_access_connect (FerryServerAccess *self, const FerryServerHandlers *handlers, gpointer closure,
                             FerryServerLink *link, GError **error)
{
  __attribute__ ((cleanup (keys_clear))) Keys keys = {NULL, NULL};
  natsConnection *connection = NULL;
  natsOptions *options = NULL;
  const Server *server;
  natsStatus status;

  self->tried = self->next % self->servers->len;
  self->next = self->tried + 1;
  server = get_tried (self);
  if ((self->nkey_seed_file != NULL && !read_keys (self->nkey_seed_file, &keys, error)) ||
      (self->credentials_file != NULL && !read_credentials (self, error)) ||
      (self->tls_ca_file != NULL && !check_readable ("certificates", self->tls_ca_file, error)))
    return NULL;
  status = natsOptions_Create (&options);
  if (status == NATS_OK)
    status = set_manners (self, options, server);
  if (status == NATS_OK)
    status = set_credentials (self, options, &keys);
  if (status == NATS_OK)
    status = set_security (self, options, server);
  if (status == NATS_OK)
    status = set_handlers (options, handlers, closure);
  if (status == NATS_OK && link != NULL && !server->is_secure && !server->has_tls)
    status = ferry_server_link_join (link, options);
  if (status == NATS_OK)
    status = try_to_connect (self, options, &connection);
  self->n_failed = status == NATS_OK ? 0 : self->n_failed + 1;
  if (status != NATS_OK)
    set_error (self, status, error);
  natsOptions_Destroy (options);
  return connection;
}

void
ferry_server_access_note_tls (FerryServerAccess *self)
{
  get_tried (self)->has_tls = TRUE;
}

/* ---- Who is let in ---- */

/* Returns (transfer full) (nullable) how a server introduces itself: 'INFO', and an object of JSON without spaces. The
 * NATS library reads that, and keeps most of it for itself. */
static char *
ask_info (const Server *server)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autofree char *text = g_malloc0 (INFO_SIZE);
  gsize size = 0;
  gssize n = 1;

  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_set_timeout (client, INFO_SECONDS);
  connection = g_socket_client_connect_to_host (client, server->host, server->port, NULL, NULL);
  while (connection != NULL && n > 0 && size < INFO_SIZE - 1 && strchr (text, '\n') == NULL)
    {
      n = g_input_stream_read (g_io_stream_get_input_stream (G_IO_STREAM (connection)), text + size,
                               INFO_SIZE - 1 - size, NULL, NULL);
      size += (gsize) MAX (n, 0);
    }
  return size > 0 ? g_steal_pointer (&text) : NULL;
}

/* Whether a server listens for other machines, as it says. */
static gboolean
listens_for_others (const char *info)
{
  static const char key[] = "\"host\":\"";
  const char *start = strstr (info, key);
  const char *end = start != NULL ? strchr (start + strlen (key), '"') : NULL;
  g_autofree char *host = end != NULL ? g_strndup (start + strlen (key), (gsize) (end - start) - strlen (key)) : NULL;
  g_autoptr (GInetAddress) address = host != NULL ? g_inet_address_new_from_string (host) : NULL;

  if (address != NULL)
    return !g_inet_address_get_is_loopback (address);
  return host != NULL && !g_str_equal (host, "localhost");
}

gboolean
ferry_server_access_is_exposed (FerryServerAccess *self)
{
  Server *server = get_tried (self);
  g_autofree char *info = !server->has_looked ? ask_info (server) : NULL;

  server->has_looked = TRUE;
  if (info != NULL && strstr (info, "\"auth_required\":true") == NULL && strstr (info, "\"tls_verify\":true") == NULL)
    server->is_exposed = listens_for_others (info);
  return server->is_exposed;
}

/* ---- Other servers ---- */

static gboolean
has_server (FerryServerAccess *self, const char *host, gint port)
{
  for (guint i = 0; i < self->servers->len; i++)
    {
      Server *server = g_ptr_array_index (self->servers, i);

      if (server->port == port && g_str_equal (server->host, host))
        return TRUE;
    }
  return FALSE;
}

static void
learn (FerryServerAccess *self, const char *url)
{
  g_autofree char *host = NULL;
  gint port = -1;

  if (self->servers->len >= MAX_SERVERS || !g_uri_split_network (url, G_URI_FLAGS_NONE, NULL, &host, &port, NULL) ||
      host == NULL || port <= 0 || has_server (self, host, port))
    return;
  g_ptr_array_add (self->servers, server_new (g_steal_pointer (&host), (guint16) port, get_tried (self)->is_secure));
}

void
ferry_server_access_learn (FerryServerAccess *self, natsConnection *connection)
{
  char **urls = NULL;
  int n = 0;

  if (natsConnection_GetDiscoveredServers (connection, &urls, &n) != NATS_OK)
    return;
  for (int i = 0; i < n; i++)
    {
      learn (self, urls[i]);
      free (urls[i]);
    }
  free (urls);
}

gboolean
ferry_server_access_has_several (const FerryServerAccess *self)
{
  return self->servers->len > 1;
}
