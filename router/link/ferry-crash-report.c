/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Where a worker crashed: what it said, the names of its functions, which a program looks up in the files of the
 * worker, and the text of both, such as “#3 parse_header+0x24 (libfoo.so.1+0x11d3) at parse.cpp:211”.
 *
 * Threads: the monitor; one of its own waits for the program that looks up. That one has a reference of its own, so the
 *          link may end before it is done.
 * Trust:   none. The worker says which files there are, and what is in them may be its work too. All of it is text
 * here, which is cut and escaped. */

#include "config.h"

#include "link/ferry-crash-report-private.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "base/ferry-base-private.h"
#include "base/ferry-thread-private.h"

/* The longest name of a function, of its file and of its source, in bytes, and the longest text. */
#define MAX_PART 200
#define MAX_TEXT 12288

struct _FerryCrashReport
{
  _Atomic gint references;
  FerryCrashPacket *packet; /* (owned): const */
  char *program;            /* (owned) (nullable): const */
  guint64 call;             /* const */
  gboolean was_begun;       /* monitor */
  _Atomic gboolean is_done; /* stored with release order by the thread that looks up */
  FerrySymbolizeFunc func;  /* that thread, as all that follows, until is_done is set */
  GStrv answers;            /* (owned) (nullable): a line for each frame, while there are any */
  GDestroyNotify done;
  gpointer data;
};

FerryCrashReport *
ferry_crash_report_new (FerryCrashPacket *packet, const char *program, guint64 call)
{
  FerryCrashReport *self = g_new0 (FerryCrashReport, 1);

  atomic_init (&self->references, 1);
  self->packet = packet;
  self->program = g_strdup (program);
  self->call = call;
  return self;
}

void
ferry_crash_report_unref (FerryCrashReport *self)
{
  if (!ferry_ref_count_dec (&self->references))
    return;
  ferry_crash_packet_free (self->packet);
  g_free (self->program);
  g_strfreev (self->answers);
  g_free (self);
}

/* (nullable): the name of the frame's file. */
static const char *
get_file (FerryCrashReport *self, const FerryCrashFrame *frame)
{
  const char *name = frame->module != FERRY_NO_MODULE ? self->packet->modules[frame->module] : NULL;

  return name != NULL && name[0] == '\0' ? self->program : name;
}

/* Whether the file's name can stand in a line of its own. */
static gboolean
may_be_asked (const char *file)
{
  if (file == NULL || file[0] != '/')
    return FALSE;
  for (; *file != '\0'; file++)
    if (g_ascii_iscntrl (*file))
      return FALSE;
  return TRUE;
}

static void
append_identity (GString *text, FerryCrashReport *self, const FerryCrashFrame *frame)
{
  const FerryCrashModule *module = &self->packet->identities[frame->module];

  for (guint i = 0; i < module->size; i++)
    g_string_append_printf (text, "%02x", module->identity[i]);
  if (module->size == 0)
    g_string_append_c (text, '-');
}

static char *
ask (FerryCrashReport *self)
{
  g_autoptr (GString) questions = g_string_new (NULL);

  for (guint i = 0; i < self->packet->n_frames; i++)
    {
      const FerryCrashFrame *frame = &self->packet->frames[i];
      const char *file = get_file (self, frame);

      g_string_append_printf (questions, "%u %" G_GINT64_MODIFIER "x ", frame->exact, frame->offset);
      if (may_be_asked (file))
        append_identity (questions, self, frame);
      g_string_append_printf (questions, " %s\n", may_be_asked (file) ? file : "-");
    }
  return self->func (questions->str);
}

static gpointer
resolve (gpointer data)
{
  FerryCrashReport *self = data;
  g_autofree char *answers = ask (self);

  self->answers = answers != NULL ? g_strsplit (answers, "\n", FERRY_MAX_CRASH_FRAMES + 1) : NULL;
  atomic_store_explicit (&self->is_done, TRUE, memory_order_release);
  self->done (self->data);
  ferry_crash_report_unref (self);
  return NULL;
}

void
ferry_crash_report_resolve (FerryCrashReport *self, FerrySymbolizeFunc func, GDestroyNotify done, gpointer data)
{
  self->was_begun = TRUE;
  self->func = func;
  self->done = done;
  self->data = data;
  ferry_ref_count_inc (&self->references);
  ferry_thread_run_aside ("ferry-crash", resolve, self);
}

gboolean
ferry_crash_report_is_done (FerryCrashReport *self)
{
  return atomic_load_explicit (&self->is_done, memory_order_acquire);
}

gboolean
ferry_crash_report_was_begun (FerryCrashReport *self)
{
  return self->was_begun;
}

gboolean
ferry_crash_report_is_stale (FerryCrashReport *self, guint64 call)
{
  return self->packet->signal == FERRY_WHERE_SIGNAL && self->call != call;
}

/* ---- the text ---- */

/* Appends a part of the text, cut, and without characters that change lines or a terminal. */
static void
append_part (GString *text, const char *part)
{
  g_autofree char *cut = g_strndup (part, MAX_PART);
  g_autofree char *valid = g_utf8_make_valid (cut, -1);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar character = g_utf8_get_char (at);

      g_string_append_unichar (text, g_unichar_isprint (character) ? character : '?');
    }
}

static void
append_place (GString *text, FerryCrashReport *self, const FerryCrashFrame *frame)
{
  const char *file = get_file (self, frame);
  g_autofree char *name = file != NULL ? g_path_get_basename (file) : NULL;

  if (frame->module == FERRY_NO_MODULE)
    {
      g_string_append_printf (text, "0x%" G_GINT64_MODIFIER "x", frame->offset);
      return;
    }
  append_part (text, name != NULL ? name : "?");
  g_string_append_printf (text, "+0x%" G_GINT64_MODIFIER "x", frame->offset);
}

static const char *
get_answer (FerryCrashReport *self, guint number)
{
  if (!ferry_crash_report_is_done (self) || self->answers == NULL || number >= g_strv_length (self->answers))
    return "";
  return self->answers[number];
}

static void
append_frame (GString *text, FerryCrashReport *self, guint number)
{
  g_auto (GStrv) parts = g_strsplit (get_answer (self, number), "\t", 3);
  const guint n_parts = g_strv_length (parts);
  const char *name = n_parts > 0 ? parts[0] : "";
  const char *source = n_parts > 1 ? parts[1] : "";

  append_part (text, name);
  if (name[0] != '\0')
    g_string_append (text, " (");
  append_place (text, self, &self->packet->frames[number]);
  if (name[0] != '\0')
    g_string_append (text, ")");
  if (source[0] != '\0')
    {
      g_string_append (text, " at ");
      append_part (text, source);
    }
  if (n_parts > 2)
    g_string_append (text, " (changed on disk since it was loaded)");
}

/* Whether the frame is the system's, which calls a handler of a signal: the next one was interrupted. */
static gboolean
is_handler_call (FerryCrashReport *self, guint number)
{
  return number + 1 < self->packet->n_frames && self->packet->frames[number + 1].exact != 0;
}

static gboolean
is_same_place (const FerryCrashFrame *a, const FerryCrashFrame *b)
{
  return a->module == b->module && a->offset == b->offset;
}

/* Returns the first frame that says something. A handler of Python's own (faulthandler) sends the thread the signal
 * once more, to have it handled as before. What that one has interrupted is what counts: a fault, which no thread sends
 * itself, or the place where the thread has sent itself the signal for the first time, in abort(). */
static guint
find_first (FerryCrashReport *self)
{
  const FerryCrashPacket *packet = self->packet;

  for (guint i = 1; packet->code == SI_TKILL && i < packet->n_frames; i++)
    if (packet->frames[i].exact &&
        (packet->signal != SIGABRT || is_same_place (&packet->frames[0], &packet->frames[i])))
      return i;
  return 0;
}

/* ---- the frames of Python ---- */

static gboolean
has_prefix_of (const char *name, const char *const *prefixes)
{
  for (; *prefixes != NULL; prefixes++)
    if (g_str_has_prefix (name, *prefixes))
      return TRUE;
  return FALSE;
}

/* Whether the frame is in one of the files. */
static gboolean
is_in (FerryCrashReport *self, guint number, const char *const *prefixes)
{
  const char *file = get_file (self, &self->packet->frames[number]);
  g_autofree char *name = file != NULL ? g_path_get_basename (file) : NULL;

  return name != NULL && has_prefix_of (name, prefixes);
}

/* Returns how many frames from this one on are of the interpreter, and of what it is called by: who writes in Python
 * has written none of it, and sees the stack of Python above. */
static guint
count_interpreter (FerryCrashReport *self, guint number)
{
  static const char *const interpreters[] = {"python3", "libpython3", NULL};
  static const char *const all[] = {"python3", "libpython3", "_ferry.", "libferry-", "libc.so.", "ld-linux", NULL};
  guint end = number;

  if (!is_in (self, number, interpreters))
    return 0;
  while (end < self->packet->n_frames && !is_handler_call (self, end) && is_in (self, end, all))
    end++;
  return end - number;
}

/* How many frames of the interpreter are told as one. */
#define MANY_OF_INTERPRETER 3

/* ---- functions that call themselves, or each other in turns ---- */

/* Whether so many frames from this one on are there once more behind them. */
static gboolean
is_round (FerryCrashReport *self, guint number, guint length)
{
  const FerryCrashFrame *frames = &self->packet->frames[number];

  if (number + 2 * length > self->packet->n_frames)
    return FALSE;
  for (guint i = 0; i < length; i++)
    if (frames[i].exact || frames[i + length].exact || !is_same_place (&frames[i], &frames[i + length]))
      return FALSE;
  return TRUE;
}

/* Returns how many frames from this one on are told once, as they are there over and over; 0: it is no such frame. */
static guint
find_round (FerryCrashReport *self, guint number)
{
  for (guint length = 1; length <= self->packet->n_frames / 2; length++)
    if (is_round (self, number, length))
      return length;
  return 0;
}

/* Appends the words behind the last frame of a round, whose first one has that number in the text. */
static void
append_round (GString *text, guint length, guint number)
{
  if (length == 1)
    g_string_append (text, " (calls itself)");
  else
    g_string_append_printf (text, " (called by #%u again)", number);
}

/* Appends one frame, which has that number in the text. */
static void
append_line (GString *text, FerryCrashReport *self, guint frame, guint number)
{
  g_string_append_printf (text, "%s#%u ", number > 0 ? "\n" : "", number);
  if (is_handler_call (self, frame))
    g_string_append (text, "<signal handler called>");
  else
    append_frame (text, self, frame);
  if (number == 0 && self->packet->has_address)
    g_string_append_printf (text, ", which used address 0x%" G_GINT64_MODIFIER "x", self->packet->address);
}

char *
ferry_crash_report_dup_text (FerryCrashReport *self)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const guint first = find_first (self);
  guint number = 0;

  for (guint i = first; i < self->packet->n_frames && text->len < MAX_TEXT;)
    {
      const guint n_interpreter = i > first ? count_interpreter (self, i) : 0;
      const guint length = i > first ? find_round (self, i) : 0;

      if (n_interpreter >= MANY_OF_INTERPRETER)
        {
          g_string_append_printf (text, "\n#%u to #%u <Python's interpreter>", number, number + n_interpreter - 1);
          number += n_interpreter;
          i += n_interpreter;
          continue;
        }
      for (guint k = 0; k < MAX (length, 1) && text->len < MAX_TEXT; k++)
        append_line (text, self, i + k, number + k);
      if (length > 0)
        append_round (text, length, number);
      number += MAX (length, 1);
      while (length > 0 && is_round (self, i, length))
        i += length;
      i += MAX (length, 1);
    }
  return text->len > 0 ? g_strdup (text->str) : NULL;
}
