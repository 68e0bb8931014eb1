/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* A worker's report of its sandbox, as the application takes it before the worker attaches.
 *
 * A worker enters its own layers of the sandbox before its main(), and reports them in the first packet that it sends.
 * So the worker sends the report before it reads any input that could corrupt the worker. A worker without a report
 * counts as having none of its own layers. A worker that lacks a required layer is ended before the application sends
 * it any task.
 *
 * A worker in namespaces is a descendant of the process that was spawned. The kernel adds the worker's process number
 * to the packet. The application uses this number only if it belongs to a descendant of the spawned process. */

#include "config.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/ferry-base-private.h"
#include "link/ferry-link-private.h"
#include "link/ferry-pidfd-private.h"

/* The maximum number of generations from the process that was spawned to the worker. */
#define MAX_GENERATIONS 4

#define MAX_ERROR_NUMBER 4096

static const char *const layer_names[] = {
  "limits",           "no new privileges",          "Landlock",   "Landlock's network rules",
  "Landlock's scope", "the filter of system calls", "namespaces",
};

/* Returns the names of the layers, separated by commas. (transfer full) */
char *
ferry_confinement_name_layers (guint32 layers)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (layer_names); i++)
    if ((layers & (1u << i)) != 0)
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", layer_names[i]);
  return g_string_free (text, FALSE);
}

static void
set_credentials_wanted (FerryLink *link, gboolean wanted)
{
  int value = wanted;

  setsockopt (link->control, SOL_SOCKET, SO_PASSCRED, &value, sizeof value);
}

/* any, before the worker is launched: makes the link wait for the worker's report of its sandbox. */
void
ferry_confinement_begin (FerryLink *link)
{
  FerryConfinement *self = &link->confinement;

  self->layers = self->given;
  self->awaited = TRUE;
  if (self->wrapped)
    set_credentials_wanted (link, TRUE);
}

static gboolean
descends_from (pid_t pid, pid_t ancestor)
{
  for (guint i = 0; i < MAX_GENERATIONS && pid > 1 && ancestor > 0; i++)
    {
      pid = ferry_read_parent (pid);
      if (pid == ancestor)
        return TRUE;
    }
  return FALSE;
}

/* Sets the process inside bubblewrap, if pid is a live descendant of bubblewrap. The pidfd is opened before the checks:
 * if its process still lives after them, no other process had this number in between. */
static void
take_process (FerryLink *link, pid_t pid)
{
  ferry_autofd pidfd = (int) syscall (SYS_pidfd_open, pid, 0);
  struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};

  if (pidfd < 0 || !descends_from (pid, link->process.pid) || poll (&poll_fd, 1, 0) != 0)
    return;
  link->confinement.pidfd = ferry_steal_fd (&pidfd);
  link->confinement.pid = pid;
}

/* Whether the process is in namespaces that bubblewrap made. Returns TRUE for a process that has ended. */
static gboolean
has_namespaces (pid_t pid)
{
  /* The network namespace is not compared: where the sandbox grants the network, the process is in the application's
   * own. */
  static const char *const names[] = {"pid", "mnt", "ipc"};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      char path[64];
      struct stat theirs, ours;

      g_snprintf (path, sizeof path, "/proc/self/ns/%s", names[i]);
      if (pid <= 0 || stat (path, &ours) < 0)
        return FALSE;
      g_snprintf (path, sizeof path, "/proc/%d/ns/%s", (int) pid, names[i]);
      if (stat (path, &theirs) < 0)
        return errno == ENOENT;
      if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
        return FALSE;
    }
  return TRUE;
}

/* Appends the reason why a layer was not entered. number: the error number of the worker's report; 0: no reason. */
static void
append_reason (GString *text, const char *layer, guint32 number)
{
  const char *reason = number == EBUSY ? "the process had several threads already" : g_strerror ((int) number);

  if (number > 0 && number < MAX_ERROR_NUMBER)
    g_string_append_printf (text, " (%s: %s)", layer, reason);
}

/* Returns a text that names the missing layers, the reasons and a remedy. report: (nullable). (transfer full) */
static char *
describe_missing (guint32 missing, const FerryConfined *report)
{
  g_autofree char *names = ferry_confinement_name_layers (missing);
  GString *text = g_string_new (names);

  if (report == NULL)
    return g_string_free (
      g_string_append (text, ", or the worker sent no report of its sandbox; build application and worker with "
                             "the same version of Ferry"),
      FALSE);
  if ((missing & FERRY_LAYER_LANDLOCK) != 0)
    append_reason (text, "Landlock", report->landlock_errno);
  if ((missing & FERRY_LAYER_SYSTEM_CALLS) != 0)
    append_reason (text, "the filter", report->filter_errno);
  return g_string_free (g_string_append (text, "; require fewer layers of the sandbox, or remove the cause"), FALSE);
}

/* Checks that the worker has all required layers. If not, sets the error, notes a failed launch and returns INVALID. */
static FerryControlEvent
check_required (FerryLink *link, const FerryConfined *report, GError **error)
{
  guint32 missing = link->confinement.required & ~link->confinement.layers;
  g_autofree char *text = NULL;

  if (missing == 0)
    return FERRY_CONTROL_TAKEN;
  text = describe_missing (missing, report);
  ferry_set_error (error, FERRY_ERROR_LAUNCH_FAILED,
                   "Worker '%s' was ended, because it lacks layers that its sandbox requires: %s", link->name, text);
  ferry_link_note (link, FERRY_CLOSE_REASON_LAUNCH_FAILED, (*error)->message);
  return FERRY_CONTROL_INVALID;
}

/* Ends the wait for the worker's report, and checks the required layers. report: NULL where the worker sent none. */
static FerryControlEvent
end_waiting (FerryLink *link, const FerryConfined *report, GError **error)
{
  FerryConfinement *self = &link->confinement;

  self->awaited = FALSE;
  set_credentials_wanted (link, FALSE);
  if (report != NULL)
    self->layers = self->given | (report->layers & FERRY_LAYERS_OF_WORKER);
  return check_required (link, report, error);
}

static gboolean
is_report (const FerryConfined *packet, gsize size)
{
  return size == sizeof *packet && ferry_control_is (&packet->header, size, FERRY_CONTROL_CONFINED);
}

/* monitor: takes the worker's report, and appends received descriptors. A first packet of another kind stays in the
 * socket. After FERRY_CONTROL_TAKEN, ferry_control_receive() must take the next packet. */
FerryControlEvent
ferry_confinement_receive (FerryLink *link, GArray *descriptors, GError **error)
{
  FerryConfinement *self = &link->confinement;
  FerryConfined report = {0};
  gsize received = 0;
  pid_t sender = 0;
  FerryControlEvent event;
  gssize size;

  /* A worker that lacks a required layer ends before it reads its welcome. Then recv() fails once with ECONNRESET,
   * before it returns the worker's packets. */
  do
    size = recv (link->control, &report, sizeof report, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
  while (size < 0 && (errno == EINTR || errno == ECONNRESET));
  if (size < 0)
    return errno == EAGAIN || errno == EWOULDBLOCK ? FERRY_CONTROL_NOTHING : FERRY_CONTROL_CLOSED;
  if (size == 0 && ferry_control_is_hung_up (link->control))
    return FERRY_CONTROL_CLOSED;
  /* An empty packet, and a packet of another version, stay in the socket: ferry_control_receive() reports them. */
  if (size == 0 || ferry_control_is_foreign (&report.header, (gsize) size))
    {
      self->awaited = FALSE;
      set_credentials_wanted (link, FALSE);
      return FERRY_CONTROL_TAKEN;
    }
  if (!is_report (&report, (gsize) size))
    return end_waiting (link, NULL, error);
  event = ferry_control_receive_packet (link->control, &report, sizeof report, &received, descriptors, &sender, error);
  if (event != FERRY_CONTROL_TAKEN)
    return event;
  if (descriptors->len > 0 || !is_report (&report, received))
    {
      ferry_set_error (error, FERRY_ERROR_PROTOCOL,
                       "The worker sent descriptors with the report of its sandbox; it must send none");
      return FERRY_CONTROL_INVALID;
    }
  if (link->confinement.wrapped)
    {
      take_process (link, sender);
      if (has_namespaces (sender))
        link->confinement.given |= FERRY_LAYER_NAMESPACES;
    }
  return end_waiting (link, &report, error);
}
