/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests: command-worker/command-progress.c, command-worker/progress-programs.c, command-worker/command-run.c
 *
 * Real programs on real files: their bar rises, success is 1 and a failure never is, the result is right, and a cancel
 * leaves no process and no file behind. By day the files are small. By night they take some seconds each, so that bars
 * have steps, and there is a middle in which to cancel and to pause. A program that the machine lacks is skipped. */

#include "config.h"

#include <dirent.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "command/command-test.h"
#include "ferry-test.h"

#define MEGABYTES_EACH_TIME 1
#define MEGABYTES_EACH_NIGHT 40

/* Scripts are for sh, in the folder of the test, with the size of the files as $MB. In words, URL is a server. */
typedef struct
{
  const char *name;     /* the program's */
  const char *reader;   /* (nullable): another program of the same package, which the check needs */
  const char *make;     /* a script that makes its files */
  const char *command;  /* words */
  const char *output;   /* the file that it writes */
  const char *check;    /* a script that succeeds where the result is right */
  const char *failing;  /* words of a command that fails, since there is no such file */
  const char *says;     /* (nullable): what it says then; NULL: that there is none */
  gboolean is_folder;   /* the output, which is not replaced at the end then */
  gboolean is_stdout;   /* the output is what it writes to its standard output */
  gboolean is_for_root; /* only root may do that */
  gboolean loses_bar;   /* since nobody knows how many phases it has */
  double total;         /* megabytes of the total that the caller knows, for each of $MB; 0: it does not */
  guint n_steps;        /* how many fractions are seen by night, at least */
} Program;

#define DATA "head -c ${MB}000000 /dev/urandom >data"
#define TEXT "seq 1 ${MB}00000 >text"
#define PICTURE "{ printf 'P6\\n%d %d\\n255\\n' $((MB * 50)) 1000; head -c $((MB * 150000)) /dev/urandom; } >in.ppm"

static const Program programs[] = {
  {.name = "rsync",
   .make = "mkdir tree; for i in $(seq 30); do head -c $((MB * 33000)) /dev/urandom >tree/$i; done",
   .command = "rsync -a --info=progress2 --no-inc-recursive --bwlimit=15000 tree/ copy",
   .output = "copy",
   .is_folder = TRUE,
   .check = "diff -r tree copy",
   .failing = "rsync -a --info=progress2 --no-inc-recursive none copy",
   .n_steps = 5},
  {.name = "ffmpeg",
   .reader = "ffprobe",
   .make = "ffmpeg -nostdin -v error -f lavfi -i "
           "testsrc=size=$((160 + MB * 12))x$((120 + MB * 6)):rate=25:duration=$((MB * 2)) -c:v mpeg4 in.mkv",
   .command = "ffmpeg -nostdin -y -i in.mkv -c:v libx264 -progress pipe:1 out.mp4",
   .output = "out.mp4",
   .check = "test $(ffprobe -v error -show_entries format=duration -of default=nk=1:nw=1 out.mp4 | cut -d. -f1) = "
            "$((MB * 2))",
   .failing = "ffmpeg -nostdin -y -i none.mkv out.mp4",
   .n_steps = 3},
  {.name = "dd",
   .make = DATA,
   .command = "dd if=data of=out bs=16 status=progress",
   .output = "out",
   .check = "cmp data out",
   .failing = "dd if=none of=out status=progress",
   .n_steps = 1},
  {.name = "curl",
   .make = DATA,
   .command = "curl -fS --limit-rate 15M -o out URL/data",
   .output = "out",
   .check = "cmp data out",
   .failing = "curl -fS -o out URL/none",
   .says = "404",
   .n_steps = 1},
  {.name = "wget",
   .make = DATA,
   .command = "wget -q --show-progress --progress=bar:force:noscroll --limit-rate=15m -O out URL/data",
   .output = "out",
   .check = "cmp data out",
   .failing = "wget -q -O out URL/none",
   .says = "status 8",
   .n_steps = 5},
  {.name = "7z",
   .make = TEXT,
   .command = "7z a -bsp1 -y out.7z text",
   .output = "out.7z",
   .check = "7z x -so out.7z | cmp - text",
   .failing = "7z x -bsp1 -y none.7z",
   .n_steps = 5},
  {.name = "zstd",
   .make = TEXT,
   .command = "zstd -16 --progress -f text -o out.zst",
   .output = "out.zst",
   .check = "zstd -dcq out.zst | cmp - text",
   .failing = "zstd --progress none -o out.zst",
   .n_steps = 3},
  {.name = "xz",
   .make = TEXT,
   .command = "xz -T1 -k text",
   .output = "text.xz",
   .is_folder = TRUE,
   .check = "xz -dc text.xz | cmp - text",
   .failing = "xz -k none",
   .n_steps = 3},
  {.name = "tar",
   .make = DATA,
   .command = "tar czf out.tgz --checkpoint=100 --checkpoint-action=echo=%T data",
   .output = "out.tgz",
   .check = "tar xzOf out.tgz data | cmp - data",
   .failing = "tar czf out.tgz --checkpoint=100 none",
   .total = 1,
   .n_steps = 3},
  {.name = "pv",
   .make = DATA,
   .command = "pv -n -i 0.2 -L 15m data",
   .output = "out",
   .is_stdout = TRUE,
   .check = "cmp data out",
   .failing = "pv -n none",
   .n_steps = 3},
  {.name = "cwebp",
   .reader = "dwebp",
   .make = PICTURE,
   .command = "cwebp -progress -m 6 in.ppm -o out.webp",
   .output = "out.webp",
   .check = "dwebp -quiet out.webp -ppm -o back.ppm && test $(stat -c %s back.ppm) = $(stat -c %s in.ppm)",
   .failing = "cwebp -progress none.ppm -o out.webp",
   .says = "cannot open input file 'none.ppm'",
   .n_steps = 3},
  {.name = "convert",
   .reader = "identify",
   .make = PICTURE,
   .command = "convert -monitor in.ppm -resize 150% -blur 0x4 out.png",
   .output = "out.png",
   .check = "test $(identify -format %h out.png) = 1500",
   .loses_bar = TRUE,
   .failing = "convert -monitor none.ppm out.png",
   .n_steps = 3},
  {.name = "dpkg",
   .make =
     "for i in 1 2 3 4; do mkdir -p p$i/DEBIAN p$i/usr/share/ferry$i; "
     "printf 'Package: ferry-test-%d\\nVersion: 1\\nArchitecture: all\\nMaintainer: A <a@example.org>\\n"
     "Description: test\\n' $i >p$i/DEBIAN/control; head -c $((MB * 50000)) /dev/urandom >p$i/usr/share/ferry$i/data; "
     "dpkg-deb -Znone -b p$i p$i.deb >/dev/null; done; "
     "mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates; touch root/var/lib/dpkg/status",
   .command = "dpkg --root=root --log=/dev/null --status-fd 2 -i p1.deb p2.deb p3.deb p4.deb",
   .output = "root",
   .is_folder = TRUE,
   .is_for_root = TRUE,
   .check = "for i in 1 2 3 4; do cmp p$i/usr/share/ferry$i/data root/usr/share/ferry$i/data || exit 1; done",
   .failing = "dpkg --root=root --log=/dev/null --status-fd 2 -i none.deb",
   .n_steps = 2},
  {.name = "sha256sum",
   .make = "truncate -s $((MB * 30))M data",
   .command = "sha256sum data",
   .output = "out",
   .is_stdout = TRUE,
   .check = "sha256sum data | cmp - out",
   .failing = "sha256sum none",
   .n_steps = 1},
};

static guint
get_megabytes (void)
{
  return ferry_test_times (MEGABYTES_EACH_TIME, MEGABYTES_EACH_NIGHT);
}

/* ---- a server ---- */

typedef struct
{
  GSocketService *service; /* (owned) */
  char *folder;            /* (owned) */
  char *url;               /* (owned) */
  GMutex lock;
  GCond goes_on;
  gboolean holds; /* lock: no more than half of a file goes out */
} Server;

/* Returns whether a line was the empty one behind the headers, or none. */
static gboolean
read_last_header (GDataInputStream *input)
{
  g_autofree char *line = g_data_input_stream_read_line (input, NULL, NULL, NULL);

  return line == NULL || line[0] == '\0';
}

static void
wait_in_the_middle (Server *self)
{
  g_mutex_lock (&self->lock);
  while (self->holds)
    g_cond_wait (&self->goes_on, &self->lock);
  g_mutex_unlock (&self->lock);
}

static void
server_set_holds (Server *self, gboolean holds)
{
  g_mutex_lock (&self->lock);
  self->holds = holds;
  g_cond_broadcast (&self->goes_on);
  g_mutex_unlock (&self->lock);
}

/* A client that was cancelled does not take all. */
static void
send_file (Server *self, GOutputStream *stream, const char *head, const char *bytes, gsize size)
{
  gsize half = size / 2;

  if (!g_output_stream_write_all (stream, head, strlen (head), NULL, NULL, NULL) ||
      !g_output_stream_write_all (stream, bytes, half, NULL, NULL, NULL))
    return;
  wait_in_the_middle (self);
  g_output_stream_write_all (stream, bytes + half, size - half, NULL, NULL, NULL);
}

/* On a thread for each connection: one request, for a file of the folder. */
static gboolean
serve (GThreadedSocketService *service, GSocketConnection *connection, GObject *source, Server *server)
{
  GOutputStream *stream = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  g_autoptr (GDataInputStream) input =
    g_data_input_stream_new (g_io_stream_get_input_stream (G_IO_STREAM (connection)));
  g_autofree char *request = NULL;
  g_autofree char *head = NULL;
  g_autofree char *path = NULL;
  g_autofree char *bytes = NULL;
  g_auto (GStrv) words = NULL;
  gsize size = 0;

  g_data_input_stream_set_newline_type (input, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
  request = g_data_input_stream_read_line (input, NULL, NULL, NULL);
  while (!read_last_header (input))
    ;
  words = g_strsplit (request != NULL ? request : "", " ", 3);
  path = g_build_filename (server->folder, words[0] != NULL && words[1] != NULL ? words[1] : "", NULL);
  if (g_file_get_contents (path, &bytes, &size, NULL))
    head = g_strdup_printf ("HTTP/1.0 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
  else
    head = g_strdup ("HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
  send_file (server, stream, head, bytes, size);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  return TRUE;
}

static Server *
server_new (const char *folder)
{
  Server *self = g_new0 (Server, 1);
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;
  g_autoptr (GError) error = NULL;

  g_mutex_init (&self->lock);
  g_cond_init (&self->goes_on);
  self->folder = g_strdup (folder);
  self->service = g_threaded_socket_service_new (4);
  g_socket_listener_add_address (G_SOCKET_LISTENER (self->service), address, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &bound, &error);
  g_assert_no_error (error);
  self->url = g_strdup_printf ("http://127.0.0.1:%u", g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound)));
  g_signal_connect (self->service, "run", G_CALLBACK (serve), self);
  g_socket_service_start (self->service);
  return self;
}

static void
server_free (Server *self)
{
  g_socket_service_stop (self->service);
  g_socket_listener_close (G_SOCKET_LISTENER (self->service));
  ferry_test_finalize (g_steal_pointer (&self->service));
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->goes_on);
  g_free (self->folder);
  g_free (self->url);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Server, server_free)

/* ---- commands ---- */

/* Runs a script that must succeed. */
static void
run_script (CommandTest *test, const char *script)
{
  g_autofree char *megabytes = g_strdup_printf ("%u", get_megabytes ());
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "MB", megabytes, TRUE);
  const char *argv[] = {"sh", "-ec", script, NULL};
  g_autofree char *output = NULL;
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (test->folder, (char **) argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, &output, &errors, &status,
                &error);
  g_assert_no_error (error);
  if (!g_spawn_check_wait_status (status, &error))
    g_error ("'%s' failed: %s%s", script, output, errors);
}

static char **
split_words (const char *text, const Server *server)
{
  g_autoptr (GString) words = g_string_new (text);

  g_string_replace (words, "URL", server->url, 0);
  return g_strsplit (words->str, " ", -1);
}

static GVariantDict *
new_options (CommandTest *test, const Program *program, const char *const *argv)
{
  GVariantDict *options = g_variant_dict_new (NULL);
  g_autofree char *path = command_test_path (test, program->output);
  const char *const outputs[] = {program->is_stdout ? path : program->output, NULL};

  if (program->is_stdout)
    g_variant_dict_insert_value (options, "output-file", g_variant_new_bytestring (path));
  g_variant_dict_insert_value (options, "output-files", g_variant_new_bytestring_array (outputs, -1));
  if (!program->is_folder && (program->is_stdout || g_strv_contains (argv, program->output)))
    g_variant_dict_insert (options, "replace-output-files", "b", TRUE);
  if (program->total > 0)
    g_variant_dict_insert (options, "total", "d", program->total * 1000000 * get_megabytes ());
  g_variant_dict_insert (options, "all-lines", "b", TRUE);
  return options;
}

/* What a task's bar has shown. */
typedef struct
{
  double last;
  guint n_steps;         /* between 0 and 1 */
  gboolean may_be_whole; /* its command succeeds */
  gboolean may_go;       /* it is taken back */
} Bar;

static void
note_fraction (FerryTask *task, GParamSpec *property, Bar *bar)
{
  double fraction = ferry_task_get_fraction (task);
  gboolean is_indeterminate;

  g_object_get (task, "indeterminate", &is_indeterminate, NULL);
  if (is_indeterminate && bar->may_go)
    bar->last = 0;
  g_assert_cmpfloat (fraction, >=, bar->last);
  g_assert_true (fraction < 1 || bar->may_be_whole);
  bar->n_steps += fraction > bar->last && fraction < 1;
  bar->last = fraction;
}

static FerryTask *
submit (CommandTest *test, const Program *program, const char *words, const Server *server, Bar *bar)
{
  g_auto (GStrv) argv = split_words (words, server);
  GVariantDict *options = new_options (test, program, (const char *const *) argv);
  FerryTask *task = command_test_submit (test, (const char *const *) argv, options);

  *bar = (Bar){.may_be_whole = words == program->command, .may_go = program->loses_bar};
  g_signal_connect (task, "notify::fraction", G_CALLBACK (note_fraction), bar);
  return task;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The names in the folder, sorted. */
static char *
list_folder (CommandTest *test)
{
  g_autoptr (GDir) folder = g_dir_open (test->folder, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  g_ptr_array_add (names, NULL);
  return g_strjoinv (" ", (char **) names->pdata);
}

/* The letter of a process' state, as in proc(5); 0 where it has ended. */
static char
read_state (const char *pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/stat", pid);
  g_autofree char *text = NULL;
  const char *end;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return '\0';
  end = strrchr (text, ')');
  return end != NULL && end[1] == ' ' ? end[2] : '\0';
}

/* Counts the processes that run in the folder, and those of them that are stopped. One that has ended, and was not
 * waited for, is in no folder. */
static guint
count_processes (CommandTest *test, guint *n_stopped)
{
  DIR *folder = opendir ("/proc");
  const struct dirent *entry;
  guint n = 0;

  *n_stopped = 0;
  while ((entry = readdir (folder)) != NULL)
    {
      g_autofree char *path = g_strdup_printf ("/proc/%s/cwd", entry->d_name);
      g_autofree char *place = g_ascii_isdigit (entry->d_name[0]) ? g_file_read_link (path, NULL) : NULL;

      if (place == NULL || !g_str_has_prefix (place, test->folder))
        continue;
      n++;
      *n_stopped += read_state (entry->d_name) == 'T';
    }
  closedir (folder);
  return n;
}

static gboolean
has_process (CommandTest *test)
{
  guint n_stopped;

  return count_processes (test, &n_stopped) > 0;
}

static gboolean
is_stopped (gpointer test)
{
  guint n_stopped;
  guint n = count_processes (test, &n_stopped);

  return n > 0 && n_stopped == n;
}

/* rsync, told to look at all files first, says of the whole what rises: nothing has to be held for its bar. */
static void
check_percentages (CommandTest *test)
{
  gint64 last = 0;

  /* It draws over the line. */
  for (guint i = 0; i < test->lines->len; i++)
    for (const char *line = test->lines->pdata[i], *sign = line; (sign = strchr (sign, '%')) != NULL; sign++)
      {
        const char *begin = sign;
        gint64 percent;

        while (begin > line && g_ascii_isdigit (begin[-1]))
          begin--;
        if (begin == sign)
          continue;
        percent = g_ascii_strtoll (begin, NULL, 10);
        g_assert_cmpint (percent, >=, last);
        last = percent;
      }
  g_assert_cmpint (last, ==, 100);
}

static gboolean
is_in_the_middle (gpointer task)
{
  g_assert_false (ferry_task_get_done (task));
  return ferry_task_get_fraction (task) > 0.05;
}

/* Each process of the command is stopped for a moment, and then all go on. */
static void
pause_in_the_middle (CommandTest *test, FerryTask *task, Server *server)
{
  ferry_test_run_until (is_in_the_middle, task);
  g_assert_true (ferry_task_pause (task));
  ferry_test_look_until (is_stopped, test);
  g_assert_true (ferry_task_resume (task));
  server_set_holds (server, FALSE);
}

static void
succeed (CommandTest *test, const Program *program, Server *server)
{
  Bar bar;
  g_autoptr (FerryTask) task = NULL;

  server_set_holds (server, get_megabytes () == MEGABYTES_EACH_NIGHT);
  task = submit (test, program, program->command, server, &bar);
  if (get_megabytes () == MEGABYTES_EACH_NIGHT)
    pause_in_the_middle (test, task, server);
  g_free (command_test_wait_output (task));
  g_assert_cmpfloat (bar.last, ==, 1);
  g_test_message ("%s: %u steps", program->name, bar.n_steps);
  if (get_megabytes () == MEGABYTES_EACH_NIGHT)
    g_assert_cmpuint (bar.n_steps, >=, program->n_steps);
  run_script (test, program->check);
  if (strcmp (program->name, "rsync") == 0)
    check_percentages (test);
}

static void
fail (CommandTest *test, const Program *program, const Server *server)
{
  Bar bar;
  g_autoptr (FerryTask) task = submit (test, program, program->failing, server, &bar);
  const GError *error;

  command_test_wait (task);
  error = ferry_test_get_error (task, "error");
  g_assert_nonnull (error);
  g_assert_cmpuint (error->domain, ==, G_SPAWN_EXIT_ERROR);
  ferry_test_assert_says (error->message, program->says != NULL ? program->says : "No such file or directory");
  g_assert_cmpfloat (ferry_task_get_fraction (task), <, 1);
}

static void
cancel (CommandTest *test, const Program *program, Server *server)
{
  g_autofree char *before = list_folder (test);
  g_autofree char *after = NULL;
  Bar bar;
  g_autoptr (FerryTask) task = NULL;

  server_set_holds (server, TRUE);
  task = submit (test, program, program->command, server, &bar);
  ferry_test_run_until (is_in_the_middle, task);
  ferry_task_cancel (task);
  command_test_wait_cancelled (task);
  server_set_holds (server, FALSE);
  g_assert_cmpfloat (bar.last, <, 1);
  g_assert_false (has_process (test));
  after = list_folder (test);
  if (program->output == NULL || strstr (before, program->output) == NULL)
    g_assert_cmpstr (after, ==, before);
}

static void
test_program (gconstpointer data)
{
  const Program *program = data;
  g_autofree char *path = g_find_program_in_path (program->name);
  /* Without it, something else has the program's name. */
  g_autofree char *reader = program->reader != NULL ? g_find_program_in_path (program->reader) : g_strdup (path);
  gboolean is_there = path != NULL && reader != NULL;
  g_autoptr (CommandTest) test = NULL;
  g_autoptr (Server) server = NULL;

  if (!is_there || (program->is_for_root && geteuid () != 0))
    {
      g_autofree char *reason = g_strdup_printf (is_there ? "%s is for root" : "this machine lacks %s", program->name);

      g_test_skip (reason);
      return;
    }
  test = command_test_new ();
  server = server_new (test->folder);
  run_script (test, program->make);
  if (get_megabytes () == MEGABYTES_EACH_NIGHT)
    {
      cancel (test, program, server);
      /* What a cancelled command was to change is made again. */
      if (program->is_for_root)
        run_script (test, "rm -rf root; mkdir -p root/var/lib/dpkg/info root/var/lib/dpkg/updates; "
                          "touch root/var/lib/dpkg/status");
    }
  succeed (test, program, server);
  fail (test, program, server);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (programs); i++)
    {
      g_autofree char *name = g_strdup_printf ("/command-programs/%s", programs[i].name);

      g_test_add_data_func (name, &programs[i], test_program);
    }

  return g_test_run ();
}
