/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where the packets of applications arrive at a host, and whom it lets in. It has a session for each application that
 * has opened one, and gives each session to the host's service. A session that the service has closed stays here until
 * the application has what was sent, at most for the timeout. Until then the service is not drained.
 *
 * Owner:   ferry-host. The service must stay until the acceptor is freed.
 * Threads: the router's.
 * Trust:   the server says which end a packet is from; the packet itself is not trusted. The number of sessions is
 *          bounded, of all users together and of each one. */

#include "config.h"

#include "cluster/ferry-host-acceptor-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "cluster/ferry-host-service-private.h"
#include "cluster/ferry-rate-private.h"
#include "route/ferry-router-private.h"

/* For so long, an application with a protocol that does not fit is not told of again. It may try far more often. */
#define MISFIT_PAUSE (60 * G_USEC_PER_SEC)
#define MAX_MISFITS 4096

struct _FerryHostAcceptor
{
  FerryHostService *service; /* (owned) */
  FerryRouter *router;       /* (owned) */
  gint64 timeout;
  FerryHostWireFunc make_wire;
  gpointer bus;
  GHashTable *guests; /* (element-type utf8 Guest) (owned): by their names */
  GHashTable *users;  /* (element-type utf8 User) (owned): those that have sessions */
  /* (element-type utf8 gint64) (owned): applications with a protocol that does not fit, and until when, in monotonic
   * time, nothing is said of them */
  GHashTable *misfits;
  FerryRate complaints; /* lines in the log about them */
};

/* What the sessions of one user have together. */
typedef struct
{
  guint n_sessions;
  FerrySessionShare share;
} User;

/* An application that has a session, until that is finished: one that was closed first sends what it has. */
typedef struct
{
  FerryHostAcceptor *acceptor; /* (unowned) */
  char *name;                  /* (owned): its user and its id */
  char *user;                  /* (owned) */
  FerrySession *session;       /* (owned) */
} Guest;

static void
guest_free (gpointer data)
{
  Guest *self = data;

  g_clear_object (&self->session);
  g_free (self->name);
  g_free (self->user);
  g_free (self);
}

/* Returns (transfer none) (nullable) the user, with one session more, or NULL if those are too many. */
static User *
enter (FerryHostAcceptor *self, const char *name)
{
  User *user = g_hash_table_lookup (self->users, name);

  if (user == NULL)
    {
      user = g_new (User, 1);
      *user = (User){.share = {.most = FERRY_HOST_MAX_USER_UNFINISHED}};
      g_hash_table_insert (self->users, g_strdup (name), user);
    }
  if (user->n_sessions >= FERRY_HOST_MAX_USER_SESSIONS)
    return NULL;
  user->n_sessions++;
  return user;
}

static void
leave (FerryHostAcceptor *self, const char *name)
{
  User *user = g_hash_table_lookup (self->users, name);

  if (--user->n_sessions == 0)
    g_hash_table_remove (self->users, name);
}

/* A session with the application cannot be: the version or the byte order is another one. It has been answered, and
 * hears of that too. */
static void
note_misfit (FerryHostAcceptor *self, const char *name, const GError *reason)
{
  const gint64 *known = g_hash_table_lookup (self->misfits, name);
  gint64 now = g_get_monotonic_time ();
  gint64 until = now + MISFIT_PAUSE;

  if (known != NULL && *known > now)
    return;
  if (g_hash_table_size (self->misfits) >= MAX_MISFITS)
    g_hash_table_remove_all (self->misfits);
  g_hash_table_insert (self->misfits, g_strdup (name), g_memdup2 (&until, sizeof until));
  ferry_rate_log (&self->complaints, "%s. It is not served", reason->message);
}

void
ferry_host_acceptor_hear (FerryHostAcceptor *self, const char *user, const char *id, GVariant *hello)
{
  g_autofree char *name = g_strdup_printf ("%s/%s", user, id);
  g_autofree char *words = g_strdup_printf ("The application %s", name);
  g_autoptr (GError) error = NULL;

  if (!ferry_run_check_version (hello, words, &error))
    note_misfit (self, name, error);
}

/* The session's function for when nothing is sent any more, which comes once. */
static void
session_finished (gpointer data)
{
  Guest *guest = data;
  FerryHostAcceptor *self = guest->acceptor;
  g_autoptr (GError) reason = ferry_transport_dup_reason (FERRY_TRANSPORT (guest->session));

  if (g_error_matches (reason, FERRY_ERROR, FERRY_ERROR_VERSION))
    note_misfit (self, guest->name, reason);
  leave (self, guest->user);
  g_hash_table_remove (self->guests, guest->name);
  ferry_host_service_release (self->service);
}

/* ---- a new session ---- */

static FerrySession *
make_session (Guest *guest, const char *id, gsize max_packet, FerrySessionShare *share)
{
  FerryHostAcceptor *self = guest->acceptor;
  g_autofree char *peer = g_strdup_printf ("The application %s", guest->name);
  const FerrySessionSettings settings = {
    .peer = peer,
    .timeout = self->timeout,
    .max_packet = max_packet,
    .finished = session_finished,
    .finished_data = guest,
    .share = share,
  };
  gpointer data = NULL;
  FerryWire wire;

  self->make_wire (self->bus, guest->user, id, &wire, &data);
  return ferry_session_new (&wire, data, self->router->timers, self->router->context, &settings);
}

/* Returns (transfer none) (nullable) a guest that was not there before. */
static Guest *
add_guest (FerryHostAcceptor *self, const char *name, const char *user, const char *id, gsize max_packet)
{
  g_autoptr (FerrySession) session = NULL;
  g_autoptr (GError) error = NULL;
  User *entered = enter (self, user);
  Guest *guest;

  if (entered == NULL)
    {
      g_debug ("The user %s has too many sessions", user);
      return NULL;
    }
  guest = g_new0 (Guest, 1);
  guest->acceptor = self;
  guest->name = g_strdup (name);
  guest->user = g_strdup (user);
  guest->session = make_session (guest, id, max_packet, &entered->share);
  g_hash_table_insert (self->guests, guest->name, guest);
  ferry_host_service_hold (self->service);
  session = g_object_ref (guest->session);
  if (ferry_host_service_add (self->service, session, name, &error))
    return guest;
  g_debug ("The session of %s is refused: %s", name, error->message);
  ferry_transport_end (FERRY_TRANSPORT (session), error);
  return NULL;
}

/* Tells an application that its session is not known here, so that it need not wait for its time to run out. */
static void
turn_away (FerryHostAcceptor *self, const char *user, const char *id, GBytes *packet)
{
  gpointer data;
  FerryWire wire;

  self->make_wire (self->bus, user, id, &wire, &data);
  ferry_session_refuse (packet, &wire, data);
}

void
ferry_host_acceptor_take (FerryHostAcceptor *self, const char *user, const char *id, GBytes *packet, gsize max_packet)
{
  g_autofree char *name = g_strdup_printf ("%s/%s", user, id);
  Guest *guest = g_hash_table_lookup (self->guests, name);
  gsize size;
  gconstpointer bytes = g_bytes_get_data (packet, &size);

  if (guest != NULL)
    {
      g_autoptr (FerrySession) session = g_object_ref (guest->session);

      if (ferry_session_receive (session, bytes, size))
        return;
    }
  if (!ferry_session_is_opened_by (bytes, size))
    {
      turn_away (self, user, id, packet);
      return;
    }
  guest = add_guest (self, name, user, id, max_packet);
  if (guest != NULL)
    {
      g_autoptr (FerrySession) session = g_object_ref (guest->session);

      ferry_session_receive (session, bytes, size);
    }
  else
    turn_away (self, user, id, packet);
}

/* ---- all sessions ---- */

/* Returns (transfer full) (element-type FerrySession): sessions may end meanwhile. */
static GPtrArray *
dup_sessions (FerryHostAcceptor *self)
{
  GPtrArray *sessions = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer guest;

  g_hash_table_iter_init (&iter, self->guests);
  while (g_hash_table_iter_next (&iter, NULL, &guest))
    g_ptr_array_add (sessions, g_object_ref (((Guest *) guest)->session));
  return sessions;
}

void
ferry_host_acceptor_reconnected (FerryHostAcceptor *self, gsize max_packet)
{
  g_autoptr (GPtrArray) sessions = dup_sessions (self);

  for (guint i = 0; i < sessions->len; i++)
    {
      ferry_session_set_max_packet (sessions->pdata[i], max_packet);
      ferry_session_reconnected (sessions->pdata[i]);
    }
}

guint
ferry_host_acceptor_get_n_sessions (FerryHostAcceptor *self)
{
  return g_hash_table_size (self->guests);
}

FerryHostAcceptor *
ferry_host_acceptor_new (FerryHostService *service, FerryRouter *router, gint64 timeout, FerryHostWireFunc make_wire,
                         gpointer bus)
{
  FerryHostAcceptor *self = g_new0 (FerryHostAcceptor, 1);

  self->service = g_object_ref (service);
  self->router = g_object_ref (router);
  self->timeout = timeout;
  self->make_wire = make_wire;
  self->bus = bus;
  self->guests = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, guest_free);
  self->users = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->misfits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
ferry_host_acceptor_free (FerryHostAcceptor *self)
{
  g_autoptr (GPtrArray) sessions = dup_sessions (self);

  for (guint i = 0; i < sessions->len; i++)
    ferry_session_port_finish (ferry_session_get_port (sessions->pdata[i]));
  g_assert (g_hash_table_size (self->guests) == 0);
  g_hash_table_unref (self->guests);
  g_hash_table_unref (self->users);
  g_hash_table_unref (self->misfits);
  g_object_unref (self->service);
  g_object_unref (self->router);
  g_free (self);
}
