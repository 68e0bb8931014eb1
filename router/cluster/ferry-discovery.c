/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Finds hosts at the servers, and opens sessions to them. See ferry-discovery-private.h. */

#include "config.h"

#include "cluster/ferry-discovery-private.h"

#include "base/ferry-base-private.h"
#include "call/ferry-transport-private.h"
#include "route/ferry-router-private.h"

/* A host that cannot be used is remembered, so that it is not looked at, nor told of, each time that it is present. */
#define MAX_SHUT_OUT 4096

/* The longest time for which a host is left alone that ends each session; and for how long that is remembered. */
#define LONGEST_PAUSE (60 * G_USEC_PER_SEC)

/* All hosts answer when this end looks for one. */
#define LOOK_INTERVAL (1 * G_USEC_PER_SEC)

/* When a host may be used again, in monotonic time, and how long it was not. G_MAXINT64: never, and without an end. */
typedef struct
{
  gint64 until;
  gint64 pause;
} Absence;

struct _FerryDiscovery
{
  gint references;     /* one of the maker, and one of each function that is being called */
  FerryRouter *router; /* (owned) */
  FerryBus *bus;       /* (owned) (nullable): NULL when the discovery is closed */
  const FerryDiscoveryFuncs *funcs;
  gpointer data;
  GHashTable *sessions;  /* (owned) (element-type utf8 FerrySession): by the name of the peer, as make_key() has it */
  GHashTable *shut_out;  /* (owned) (element-type utf8 Absence): hosts that are not used, and those that were not */
  FerryTimer look_timer; /* runs out when a host may be used again */
  gint64 look_due;       /* monotonic time before which this end looks no more */
};

static void
discovery_unref (FerryDiscovery *self)
{
  if (--self->references > 0)
    return;
  g_hash_table_unref (self->sessions);
  g_hash_table_unref (self->shut_out);
  g_object_unref (self->router);
  g_free (self);
}

/* Keeps the discovery while handlers may close it. */
static FerryDiscovery *
discovery_ref (FerryDiscovery *self)
{
  self->references++;
  return self;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FerryDiscovery, discovery_unref)

static char *
make_key (const char *name, const char *instance)
{
  return g_strconcat (name, ".", instance, NULL);
}

/* ---- Hosts that are not used ---- */

static void look_at (FerryDiscovery *self, gint64 time);

static void
look (gpointer data)
{
  FerryDiscovery *self = data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  Absence *absence;

  self->look_due = now + LOOK_INTERVAL;
  g_hash_table_iter_init (&iter, self->shut_out);
  while (g_hash_table_iter_next (&iter, NULL, (gpointer *) &absence))
    if (absence->until <= now - LONGEST_PAUSE)
      g_hash_table_iter_remove (&iter);
    else if (absence->until > now && absence->until < G_MAXINT64)
      look_at (self, absence->until);
  ferry_bus_say_hello (self->bus);
}

static void
look_at (FerryDiscovery *self, gint64 time)
{
  gint64 due = MAX (time, self->look_due);

  if (!ferry_timer_is_set (&self->look_timer) || self->look_timer.deadline.time > due)
    ferry_timers_set (self->router->timers, &self->look_timer, due, look, self);
}

/* Takes key. pause: G_MAXINT64 for ever. */
static void
shut_out (FerryDiscovery *self, char *key, gint64 pause)
{
  const Absence absence = {ferry_time_add (g_get_monotonic_time (), pause), pause};

  if (g_hash_table_size (self->shut_out) >= MAX_SHUT_OUT)
    g_hash_table_remove_all (self->shut_out);
  g_hash_table_insert (self->shut_out, key, g_memdup2 (&absence, sizeof absence));
  if (absence.until < G_MAXINT64)
    look_at (self, absence.until);
}

static gboolean
is_shut_out (FerryDiscovery *self, const char *key)
{
  const Absence *absence = g_hash_table_lookup (self->shut_out, key);

  return absence != NULL && absence->until > g_get_monotonic_time ();
}

/* Returns for how long a host is left alone after a session that lived for so long. This is time, or twice as long as
 * it was before. */
static gint64
get_pause (FerryDiscovery *self, const char *key, gint64 time, gint64 lived)
{
  const Absence *absence = g_hash_table_lookup (self->shut_out, key);

  if (absence == NULL || lived > absence->pause)
    return time;
  return MAX (time, 2 * MIN (absence->pause, LONGEST_PAUSE / 2));
}

/* ---- What the bus tells ---- */

/* Tells sessions whether there is a connection. They are listed first, as each may end by this. */
static void
tell_sessions (FerryDiscovery *self)
{
  gboolean is_connected = ferry_bus_get_state (self->bus) == FERRY_CLUSTER_STATE_CONNECTED;
  gsize max_packet = ferry_bus_get_max_packet (self->bus);
  g_autoptr (GPtrArray) sessions = g_ptr_array_new_with_free_func (g_object_unref);
  GHashTableIter iter;
  gpointer session;

  g_hash_table_iter_init (&iter, self->sessions);
  while (g_hash_table_iter_next (&iter, NULL, &session))
    g_ptr_array_add (sessions, g_object_ref (session));
  for (guint i = 0; i < sessions->len; i++)
    if (is_connected)
      {
        ferry_session_set_max_packet (sessions->pdata[i], max_packet);
        ferry_session_reconnected (sessions->pdata[i]);
      }
    else
      ferry_session_disconnected (sessions->pdata[i]);
}

static void
bus_changed (gpointer data)
{
  g_autoptr (FerryDiscovery) self = discovery_ref (data);

  tell_sessions (self);
  if (self->bus != NULL)
    self->funcs->changed (self->data);
}

/* Whether facts are those of the host of the subject that they came by, in a version that this program speaks. */
static gboolean
check_facts (const FerryHostFacts *facts, const char *host, const char *id, GError **error)
{
  g_autofree char *words = g_strdup_printf ("The host '%s'", host);

  if (strcmp (facts->name, host) != 0 || strcmp (facts->instance, id) != 0)
    return ferry_set_error (error, FERRY_ERROR_PROTOCOL, "%s tells another name than the servers do", words);
  return ferry_run_check_version (facts->version, words, error);
}

static void
bus_present (gpointer data, const char *host, const char *id, GVariant *value)
{
  g_autoptr (FerryDiscovery) self = discovery_ref (data);
  g_autofree char *key = make_key (host, id);
  g_auto (FerryHostFacts) facts = {0};
  g_autoptr (GError) error = NULL;

  if (is_shut_out (self, key))
    return;
  if (!ferry_host_facts_from_variant (&facts, value, &error) || !check_facts (&facts, host, id, &error))
    {
      g_autofree char *text = g_strdup_printf ("The host '%s' cannot be used: %s", host, error->message);

      self->funcs->complain (self->data, text);
      shut_out (self, g_steal_pointer (&key), G_MAXINT64);
      return;
    }
  self->funcs->present (self->data, &facts);
}

/* Tells a host that it has a session which this end has not, so that it need not wait for the end of it. */
static void
refuse (FerryDiscovery *self, const char *peer, const char *id, GBytes *packet)
{
  gpointer wire_data;
  FerryWire wire;

  ferry_bus_make_wire (self->bus, peer, id, &wire, &wire_data);
  ferry_session_refuse (packet, &wire, wire_data);
}

static void
bus_packet (gpointer data, const char *peer, const char *id, GBytes *packet)
{
  FerryDiscovery *self = data;
  g_autofree char *key = make_key (peer, id);
  FerrySession *found = g_hash_table_lookup (self->sessions, key);
  g_autoptr (FerrySession) session = found != NULL ? g_object_ref (found) : NULL;

  /* A host that has forgotten its session ends this one by that. It is found again by its presence. */
  if (session != NULL && !ferry_transport_get_closed (FERRY_TRANSPORT (session)))
    ferry_session_receive (session, g_bytes_get_data (packet, NULL), g_bytes_get_size (packet));
  else
    refuse (self, peer, id, packet);
}

static const FerryBusFuncs bus_funcs = {bus_changed, bus_present, bus_packet};

/* ---- Sessions ---- */

FerrySession *
ferry_discovery_open (FerryDiscovery *self, const char *name, const char *instance, gint64 cut_timeout)
{
  g_autofree char *peer = g_strdup_printf ("The host '%s'", name);
  const FerrySessionSettings settings = {
    .peer = peer,
    .timeout = cut_timeout,
    .max_packet = ferry_bus_get_max_packet (self->bus),
  };
  FerrySession *session;
  gpointer wire_data;
  FerryWire wire;

  ferry_bus_make_wire (self->bus, name, instance, &wire, &wire_data);
  session = ferry_session_new (&wire, wire_data, self->router->timers, self->router->context, &settings);
  g_hash_table_insert (self->sessions, make_key (name, instance), g_object_ref (session));
  return session;
}

void
ferry_discovery_doubt (FerryDiscovery *self, const char *name, const char *instance)
{
  g_autofree char *key = make_key (name, instance);
  FerrySession *session = g_hash_table_lookup (self->sessions, key);

  if (session != NULL)
    ferry_session_doubt (session);
}

void
ferry_discovery_look (FerryDiscovery *self)
{
  look_at (self, g_get_monotonic_time () + LOOK_INTERVAL);
}

void
ferry_discovery_forget (FerryDiscovery *self, const char *name, const char *instance, gint64 time, gint64 lived)
{
  g_autofree char *key = make_key (name, instance);

  gint64 pause = get_pause (self, key, time, lived);

  g_hash_table_remove (self->sessions, key);
  if (time >= 0)
    shut_out (self, g_steal_pointer (&key), pause);
}

/* ---- Life cycle ---- */

FerryClusterState
ferry_discovery_get_state (FerryDiscovery *self)
{
  return ferry_bus_get_state (self->bus);
}

char *
ferry_discovery_dup_instance (FerryDiscovery *self)
{
  return g_strdup_printf ("%s/%s", ferry_bus_get_user (self->bus), ferry_bus_get_id (self->bus));
}

const GError *
ferry_discovery_get_error (FerryDiscovery *self)
{
  return ferry_bus_get_error (self->bus);
}

void
ferry_discovery_close (FerryDiscovery *self)
{
  ferry_timers_unset (self->router->timers, &self->look_timer);
  ferry_bus_close (self->bus);
  g_clear_pointer (&self->bus, ferry_bus_unref);
  discovery_unref (self);
}

FerryDiscovery *
ferry_discovery_new (FerryRouter *router, const FerryBusSettings *settings, const FerryDiscoveryFuncs *funcs,
                     gpointer data, GError **error)
{
  g_autoptr (FerryDiscovery) self = g_new0 (FerryDiscovery, 1);

  self->references = 1;
  self->router = g_object_ref (router);
  self->funcs = funcs;
  self->data = data;
  self->sessions = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->shut_out = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->bus = ferry_bus_new (router, settings, &bus_funcs, self, error);
  return self->bus != NULL ? g_steal_pointer (&self) : NULL;
}
