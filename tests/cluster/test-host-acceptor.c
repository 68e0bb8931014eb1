/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: cluster/ferry-host-acceptor.c
 *
 * Sessions of applications, over a wire that is a queue of the test's. */

#include "config.h"

#include "base/ferry-mailbox-private.h"
#include "cluster/ferry-host-acceptor-private.h"
#include "cluster/ferry-host-service-private.h"
#include "cluster/ferry-session-private.h"
#include "cluster/host-test.h"
#include "route/ferry-router-private.h"

/* What servers take. */
#define MAX_PACKET (1024 * 1024)

typedef struct Guest Guest;

typedef struct
{
  HostTest *host;
  FerryHostAcceptor *acceptor;
  GPtrArray *guests; /* (element-type Guest): unowned */
  guint n_wires;
  gboolean is_held; /* nothing comes to the applications */
  guint n_held;     /* packets with messages that were to come since then */
  guint n_pings;    /* packets of the host that ask */
} Fixture;

/* An application, with a session at its end. */
struct Guest
{
  Fixture *fixture;
  char *user;
  char *id;
  FerrySession *session;
  HostTestApplication *application;
  FerryPacketHeader header; /* of the packet that was sent last */
  gboolean is_taken_over;   /* the test says the rest: the session is neither heard nor hears any more */
  guint64 n_acknowledged;   /* data packets, since then */
  guint n_asked;            /* how often the host has asked for what it misses, since then */
  guint n_told;             /* packets with messages, since then */
};

/* A packet on its way. */
typedef struct
{
  Fixture *fixture;
  char *user;
  char *id;
  GBytes *bytes;
  gboolean is_up; /* from the host */
} Packet;

static void
packet_free (gpointer data)
{
  Packet *self = data;

  g_bytes_unref (self->bytes);
  g_free (self->user);
  g_free (self->id);
  g_free (self);
}

static gboolean
is_of_kind (gconstpointer bytes, gsize size, FerryPacketKind kind)
{
  FerryPacket packet;

  return ferry_packet_parse (&packet, bytes, size, NULL) == FERRY_PACKET_SOUND && packet.header.kind == kind;
}

static FerryPacket
parse (GBytes *bytes)
{
  FerryPacket packet;

  g_assert_cmpint (ferry_packet_parse (&packet, g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), NULL), ==,
                   FERRY_PACKET_SOUND);
  return packet;
}

static void
guest_note (Guest *self, GBytes *bytes)
{
  FerryPacket packet = parse (bytes);

  self->n_acknowledged = packet.header.ack;
  self->n_asked += packet.header.kind == FERRY_PACKET_ACK && packet.ack.n_ranges > 0;
  self->n_told += packet.header.kind == FERRY_PACKET_DATA;
}

static void
deliver (gpointer data)
{
  Packet *self = data;
  Fixture *fixture = self->fixture;
  gsize size;
  gconstpointer bytes = g_bytes_get_data (self->bytes, &size);

  if (!self->is_up && fixture->acceptor == NULL)
    return;
  if (!self->is_up)
    {
      ferry_host_acceptor_take (fixture->acceptor, self->user, self->id, self->bytes, MAX_PACKET);
      return;
    }
  if (fixture->is_held)
    {
      fixture->n_held += is_of_kind (bytes, size, FERRY_PACKET_DATA);
      return;
    }
  for (guint i = 0; i < fixture->guests->len; i++)
    {
      Guest *guest = fixture->guests->pdata[i];

      if (!g_str_equal (guest->user, self->user) || !g_str_equal (guest->id, self->id))
        continue;
      if (guest->is_taken_over)
        guest_note (guest, self->bytes);
      else
        ferry_session_receive (guest->session, bytes, size);
    }
}

static void
post_packet (Fixture *fixture, const char *user, const char *id, GBytes *bytes, gboolean is_up)
{
  Packet *packet = g_new (Packet, 1);

  *packet = (Packet){fixture, g_strdup (user), g_strdup (id), g_bytes_ref (bytes), is_up};
  ferry_mailbox_post (NULL, deliver, packet, packet_free);
}

static void
send_down (gpointer data, GBytes *bytes)
{
  Guest *guest = data;

  if (guest->is_taken_over)
    return;
  guest->header = parse (bytes).header;
  post_packet (guest->fixture, guest->user, guest->id, bytes, FALSE);
}

static void
send_up (gpointer data, GBytes *bytes)
{
  Packet *to = data;
  gsize size;
  gconstpointer packet = g_bytes_get_data (bytes, &size);

  to->fixture->n_pings += is_of_kind (packet, size, FERRY_PACKET_PING);
  post_packet (to->fixture, to->user, to->id, bytes, TRUE);
}

static void
free_wire (gpointer data)
{
  Packet *to = data;

  to->fixture->n_wires--;
  packet_free (to);
}

/* Implements FerryHostWireFunc. */
static void
make_wire (gpointer bus, const char *user, const char *id, FerryWire *wire, gpointer *data)
{
  Fixture *fixture = bus;
  Packet *to = g_new (Packet, 1);

  *to = (Packet){fixture, g_strdup (user), g_strdup (id), g_bytes_new (NULL, 0), TRUE};
  *wire = (FerryWire){send_up, free_wire};
  *data = to;
  fixture->n_wires++;
}

static void
set_up (Fixture *self)
{
  *self = (Fixture){.host = host_test_new (TRUE, 2), .guests = g_ptr_array_new ()};
  self->acceptor =
    ferry_host_acceptor_new (self->host->service, self->host->task->router, 600 * G_USEC_PER_SEC, make_wire, self);
}

static void
tear_down (Fixture *self)
{
  g_clear_pointer (&self->acceptor, ferry_host_acceptor_free);
  /* What is on its way has come. */
  task_test_settle ();
  g_assert_cmpuint (self->n_wires, ==, 0);
  g_ptr_array_unref (self->guests);
  host_test_free (self->host);
}

static Guest *
guest_new (Fixture *fixture, const char *user, const char *id)
{
  Guest *self = g_new0 (Guest, 1);
  const FerryWire wire = {send_down, NULL};
  FerryRouter *router = fixture->host->task->router;

  self->fixture = fixture;
  self->user = g_strdup (user);
  self->id = g_strdup (id);
  g_ptr_array_add (fixture->guests, self);
  self->session = ferry_session_new (&wire, self, router->timers, router->context, NULL);
  return self;
}

/* Asks to be served. */
static void
guest_serve (Guest *self)
{
  self->application = host_test_connect_over (self->fixture->host, FERRY_TRANSPORT (self->session), self->id);
}

static void
guest_free (Guest *self)
{
  g_ptr_array_remove (self->fixture->guests, self);
  ferry_transport_close (FERRY_TRANSPORT (self->session));
  g_clear_pointer (&self->application, host_test_application_free);
  g_clear_object (&self->session);
  g_free (self->user);
  g_free (self->id);
  g_free (self);
}

static gboolean
has_no_session (gpointer data)
{
  return ferry_host_acceptor_get_n_sessions (data) == 0;
}

static void
test_applications_have_sessions_of_their_own (void)
{
  HostTestCall *calls[2];
  Guest *guests[2];
  Fixture fixture;

  set_up (&fixture);
  guests[0] = guest_new (&fixture, "alice", "c0");
  guests[1] = guest_new (&fixture, "bob", "c0");
  for (guint i = 0; i < 2; i++)
    {
      guest_serve (guests[i]);
      calls[i] = host_test_run_idempotent (guests[i]->application, "echo", g_variant_new_string (guests[i]->user));
    }
  host_test_assert_result (calls[0], "'alice'");
  host_test_assert_result (calls[1], "'bob'");
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, 2);
  for (guint i = 0; i < 2; i++)
    {
      host_test_call_unref (calls[i]);
      guest_free (guests[i]);
    }
  ferry_test_run_until (has_no_session, fixture.acceptor);
  tear_down (&fixture);
}

static void
test_reconnected_host_asks_at_once (void)
{
  guint n_pings;
  Guest *guest;
  Fixture fixture;

  set_up (&fixture);
  guest = guest_new (&fixture, "alice", "c0");
  guest_serve (guest);
  host_test_wait_room (guest->application, 2);
  n_pings = fixture.n_pings;
  ferry_host_acceptor_reconnected (fixture.acceptor, MAX_PACKET);
  g_assert_cmpuint (fixture.n_pings, ==, n_pings + 1);
  guest_free (guest);
  ferry_test_run_until (has_no_session, fixture.acceptor);
  tear_down (&fixture);
}

/* An application that has started again, with the same name, gets a new session, and the old one ends. */
static void
test_new_session_takes_the_place_of_the_old (void)
{
  HostTestCall *call;
  Guest *old, *young;
  Fixture fixture;

  set_up (&fixture);
  old = guest_new (&fixture, "alice", "c0");
  guest_serve (old);
  host_test_wait_room (old->application, 2);
  /* It forgets its session without a word. */
  g_ptr_array_remove (fixture.guests, old);
  young = guest_new (&fixture, "alice", "c0");
  guest_serve (young);
  call = host_test_run_idempotent (young->application, "echo", g_variant_new_string ("young"));
  host_test_assert_result (call, "'young'");
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, 1);
  host_test_call_unref (call);
  guest_free (old);
  guest_free (young);
  tear_down (&fixture);
}

static gboolean
has_held_one (gpointer data)
{
  return ((Fixture *) data)->n_held >= 1;
}

static gboolean
has_held_two (gpointer data)
{
  return ((Fixture *) data)->n_held >= 2;
}

/* However large a packet the server takes. */
static void
test_packets_do_not_wait_for_each_other (void)
{
  HostTestCall *first, *second;
  Guest *guest;
  Fixture fixture;

  set_up (&fixture);
  guest = guest_new (&fixture, "alice", "c0");
  guest_serve (guest);
  host_test_wait_room (guest->application, 2);
  fixture.is_held = TRUE;
  first = host_test_run_idempotent (guest->application, "echo", g_variant_new_string ("first"));
  ferry_test_run_until (has_held_one, &fixture);
  second = host_test_run_idempotent (guest->application, "echo", g_variant_new_string ("second"));
  ferry_test_run_until (has_held_two, &fixture);
  guest_free (guest);
  host_test_call_unref (first);
  host_test_call_unref (second);
  tear_down (&fixture);
}

static void
test_unknown_session_is_told_so (void)
{
  g_autoptr (GError) reason = NULL;
  Guest *guest;
  Fixture fixture;

  set_up (&fixture);
  guest = guest_new (&fixture, "alice", "c0");
  guest_serve (guest);
  host_test_wait_room (guest->application, 2);
  /* The host has started again. */
  ferry_host_acceptor_free (fixture.acceptor);
  fixture.acceptor = ferry_host_acceptor_new (fixture.host->service, fixture.host->task->router, 600 * G_USEC_PER_SEC,
                                              make_wire, &fixture);
  host_test_wait_done (guest->application->serve);
  g_assert_error (guest->application->serve->error, FERRY_ERROR, FERRY_ERROR_CLOSED);
  guest_free (guest);
  tear_down (&fixture);
}

static void
test_nonsense_makes_no_session (void)
{
  static const char text[] = "nonsense, which is long enough to be the header of a packet, and more than that";
  g_autoptr (GBytes) nonsense = g_bytes_new_static (text, sizeof text);
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  Fixture fixture;

  set_up (&fixture);
  ferry_host_acceptor_take (fixture.acceptor, "alice", "c0", nonsense, MAX_PACKET);
  ferry_host_acceptor_take (fixture.acceptor, "alice", "c0", nothing, MAX_PACKET);
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, 0);
  tear_down (&fixture);
}

/* The packet by which a session is opened. */
static void
keep_first (gpointer data, GBytes *bytes)
{
  GBytes **kept = data;

  if (*kept == NULL)
    *kept = g_bytes_ref (bytes);
}

static gboolean
has_packet (gpointer data)
{
  return *(GBytes **) data != NULL;
}

/* Returns (transfer full) an application's session. open: set to (transfer full) its first packet. */
static FerrySession *
open_session (Fixture *self, GBytes **open)
{
  const FerryWire wire = {keep_first, NULL};
  FerryRouter *router = self->host->task->router;
  FerrySession *session = ferry_session_new (&wire, open, router->timers, router->context, NULL);

  ferry_test_run_until (has_packet, open);
  return session;
}

static void
test_user_has_a_bounded_number_of_sessions (void)
{
  g_autoptr (FerrySession) session = NULL;
  g_autoptr (GBytes) open = NULL;
  Fixture fixture;

  set_up (&fixture);
  session = open_session (&fixture, &open);
  for (guint i = 0; i < FERRY_HOST_MAX_USER_SESSIONS + 10; i++)
    {
      g_autofree char *id = g_strdup_printf ("%u", i);

      ferry_host_acceptor_take (fixture.acceptor, "mallory", id, open, MAX_PACKET);
    }
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, FERRY_HOST_MAX_USER_SESSIONS);
  ferry_host_acceptor_take (fixture.acceptor, "alice", "c0", open, MAX_PACKET);
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, FERRY_HOST_MAX_USER_SESSIONS + 1);
  ferry_transport_close (FERRY_TRANSPORT (session));
  tear_down (&fixture);
}

/* ---- What a user begins and does not end ---- */

static gboolean
has_said_all (gpointer data)
{
  FerrySessionCounts counts = ferry_session_get_counts (((Guest *) data)->session);

  return counts.n_sent > 0 && counts.queued + counts.under_way == 0;
}

static gboolean
is_acknowledged (gpointer data)
{
  Guest *guest = data;

  return guest->n_acknowledged > guest->header.number;
}

static gboolean
is_asked (gpointer guest)
{
  return ((Guest *) guest)->n_asked > 0;
}

static void
guest_say (Guest *self, GBytes *packet)
{
  ferry_host_acceptor_take (self->fixture->acceptor, self->user, self->id, packet, MAX_PACKET);
  g_bytes_unref (packet);
}

/* The first bytes of a message that is so large that a user may have begun four of them. */
static void
guest_begin_large_message (Guest *self)
{
  const FerryChunk chunk = {.kind = FERRY_CHUNK_FIRST, .size = 8, .total = FERRY_HOST_MAX_USER_UNFINISHED / 4};
  gsize size = FERRY_PACKET_HEADER_SIZE + ferry_packet_get_chunk_size (chunk.kind, chunk.size);
  guint8 *data = g_malloc0 (size);

  ferry_packet_write_header (data, &self->header);
  ferry_packet_write_chunk (data + FERRY_PACKET_HEADER_SIZE, &chunk);
  guest_say (self, g_bytes_new_take (data, size));
}

/* Is served, and begins such a message. */
static Guest *
hoarder_new (Fixture *fixture, const char *user, const char *id)
{
  Guest *self = guest_new (fixture, user, id);

  guest_serve (self);
  ferry_test_run_until (has_said_all, self);
  self->is_taken_over = TRUE;
  self->header.kind = FERRY_PACKET_DATA;
  self->header.number = ferry_session_get_counts (self->session).n_sent;
  guest_begin_large_message (self);
  return self;
}

/* However many sessions the user has. Those of others do not count, and a session that ends leaves what it had. */
static void
test_user_has_a_bounded_amount_of_unfinished_messages (void)
{
  static const char *const ids[] = {"c0", "c1", "c2", "c3"};
  Guest *guests[G_N_ELEMENTS (ids)];
  Guest *late, *other;
  Fixture fixture;

  set_up (&fixture);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      guests[i] = hoarder_new (&fixture, "mallory", ids[i]);
      ferry_test_run_until (is_acknowledged, guests[i]);
    }
  late = hoarder_new (&fixture, "mallory", "late");
  ferry_test_run_until (is_asked, late);
  g_assert_false (is_acknowledged (late));
  other = hoarder_new (&fixture, "alice", "c0");
  ferry_test_run_until (is_acknowledged, other);
  guest_say (guests[0], ferry_packet_new_bye (&guests[0]->header, FERRY_BYE_CLOSED));
  guest_begin_large_message (late);
  ferry_test_run_until (is_acknowledged, late);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    guest_free (guests[i]);
  guest_free (late);
  guest_free (other);
  tear_down (&fixture);
}

static void
test_host_that_drains_takes_no_session (void)
{
  g_autoptr (FerrySession) session = NULL;
  g_autoptr (GBytes) open = NULL;
  Fixture fixture;

  set_up (&fixture);
  session = open_session (&fixture, &open);
  ferry_host_service_drain (fixture.host->service);
  ferry_host_acceptor_take (fixture.acceptor, "alice", "c0", open, MAX_PACKET);
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, 0);
  ferry_transport_close (FERRY_TRANSPORT (session));
  tear_down (&fixture);
}

static gboolean
has_left_line (gpointer data)
{
  FerryHostServiceCounts counts = ferry_host_service_get_counts (((Fixture *) data)->host->service);

  return counts.n_sessions + counts.n_running == 0;
}

/* Nothing comes to the application while the host says goodbye and closes the session. */
static void
set_up_drain_during_cut (Fixture *fixture, Guest **guest, HostTestCall **call)
{
  set_up (fixture);
  *guest = guest_new (fixture, "alice", "c0");
  guest_serve (*guest);
  *call = host_test_run_idempotent ((*guest)->application, "gate", g_variant_new_string ("gate"));
  task_test_wait_log ("gate");
  fixture->is_held = TRUE;
  ferry_host_service_drain (fixture->host->service);
  task_test_open_gate ();
  ferry_test_run_until (has_left_line, fixture);
}

static void
test_host_that_drains_stays_until_results_have_come (void)
{
  HostTestCall *call;
  Guest *guest;
  Fixture fixture;

  set_up_drain_during_cut (&fixture, &guest, &call);
  task_test_settle ();
  g_assert_false (fixture.host->drained || call->done);
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, 1);
  fixture.is_held = FALSE;
  ferry_host_acceptor_reconnected (fixture.acceptor, MAX_PACKET);
  host_test_assert_result (call, NULL);
  host_test_wait_done (guest->application->serve);
  g_assert_no_error (guest->application->serve->error);
  host_test_wait_drained (fixture.host);
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, 0);
  host_test_call_unref (call);
  guest_free (guest);
  tear_down (&fixture);
}

/* As a host does that is told to end at once. */
static void
test_host_that_ends_waits_for_no_application (void)
{
  HostTestCall *call;
  Guest *guest;
  Fixture fixture;

  set_up_drain_during_cut (&fixture, &guest, &call);
  g_assert_cmpuint (fixture.n_wires, ==, 1);
  g_clear_pointer (&fixture.acceptor, ferry_host_acceptor_free);
  g_assert_cmpuint (fixture.n_wires, ==, 0);
  guest_free (guest);
  host_test_call_unref (call);
  tear_down (&fixture);
}

/* An application that is gone for good is given up when its time is over. */
static void
test_host_that_drains_gives_up_who_is_gone (void)
{
  HostTestCall *call;
  Guest *guest;
  Fixture fixture;

  set_up (&fixture);
  ferry_host_acceptor_free (fixture.acceptor);
  fixture.acceptor = ferry_host_acceptor_new (fixture.host->service, fixture.host->task->router, 3 * G_USEC_PER_SEC,
                                              make_wire, &fixture);
  guest = guest_new (&fixture, "alice", "c0");
  guest_serve (guest);
  host_test_wait_room (guest->application, 2);
  fixture.is_held = TRUE;
  call = host_test_run_idempotent (guest->application, "echo", g_variant_new_string ("lost"));
  ferry_test_run_until (has_held_one, &fixture);
  /* It says no more. */
  g_ptr_array_remove (fixture.guests, guest);
  ferry_host_service_drain (fixture.host->service);
  host_test_wait_drained (fixture.host);
  g_ptr_array_add (fixture.guests, guest);
  guest_free (guest);
  host_test_call_unref (call);
  tear_down (&fixture);
}

static gboolean
has_acknowledged_all (gpointer data)
{
  Guest *guest = data;

  return guest->header.ack == ferry_session_get_counts (guest->session).n_received;
}

static gboolean
is_told_something (gpointer guest)
{
  return ((Guest *) guest)->n_told > 0;
}

/* An application that is gone has all that it is owed, and was told of what another one does since. */
static void
test_host_that_drains_waits_for_no_application_that_it_owes_nothing (void)
{
  HostTestCall *call, *other_calls[2];
  Guest *guest, *other;
  Fixture fixture;

  set_up (&fixture);
  guest = guest_new (&fixture, "alice", "c0");
  guest_serve (guest);
  call = host_test_run_idempotent (guest->application, "echo", g_variant_new_string ("word"));
  host_test_assert_result (call, "'word'");
  ferry_test_run_until (has_acknowledged_all, guest);
  guest->is_taken_over = TRUE;
  other = guest_new (&fixture, "bob", "c1");
  guest_serve (other);
  /* That one worker is busy may be what it was told last. */
  for (guint i = 0; i < G_N_ELEMENTS (other_calls); i++)
    other_calls[i] = host_test_run_idempotent (other->application, "gate", g_variant_new_string ("gate"));
  ferry_test_run_until (is_told_something, guest);
  task_test_open_gate ();
  for (guint i = 0; i < G_N_ELEMENTS (other_calls); i++)
    host_test_assert_result (other_calls[i], NULL);
  ferry_host_service_drain (fixture.host->service);
  host_test_wait_drained (fixture.host);
  g_assert_cmpuint (ferry_host_acceptor_get_n_sessions (fixture.acceptor), ==, 0);
  host_test_call_unref (call);
  for (guint i = 0; i < G_N_ELEMENTS (other_calls); i++)
    host_test_call_unref (other_calls[i]);
  guest_free (guest);
  guest_free (other);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  task_test_init (&argc, &argv);
  g_test_add_func ("/host-acceptor/applications-have-sessions-of-their-own",
                   test_applications_have_sessions_of_their_own);
  g_test_add_func ("/host-acceptor/reconnected-host-asks-at-once", test_reconnected_host_asks_at_once);
  g_test_add_func ("/host-acceptor/new-session-takes-the-place-of-the-old",
                   test_new_session_takes_the_place_of_the_old);
  g_test_add_func ("/host-acceptor/packets-do-not-wait-for-each-other", test_packets_do_not_wait_for_each_other);
  g_test_add_func ("/host-acceptor/unknown-session-is-told-so", test_unknown_session_is_told_so);
  g_test_add_func ("/host-acceptor/nonsense-makes-no-session", test_nonsense_makes_no_session);
  g_test_add_func ("/host-acceptor/user-has-a-bounded-number-of-sessions", test_user_has_a_bounded_number_of_sessions);
  g_test_add_func ("/host-acceptor/user-has-a-bounded-amount-of-unfinished-messages",
                   test_user_has_a_bounded_amount_of_unfinished_messages);
  g_test_add_func ("/host-acceptor/host-that-drains-takes-no-session", test_host_that_drains_takes_no_session);
  g_test_add_func ("/host-acceptor/host-that-drains-stays-until-results-have-come",
                   test_host_that_drains_stays_until_results_have_come);
  g_test_add_func ("/host-acceptor/host-that-ends-waits-for-no-application",
                   test_host_that_ends_waits_for_no_application);
  g_test_add_func ("/host-acceptor/host-that-drains-waits-for-no-application-that-it-owes-nothing",
                   test_host_that_drains_waits_for_no_application_that_it_owes_nothing);
  g_test_add_func ("/host-acceptor/host-that-drains-gives-up-who-is-gone", test_host_that_drains_gives_up_who_is_gone);
  return g_test_run ();
}
