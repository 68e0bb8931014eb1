/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* The command line of ferry-host. */

#include "config.h"

#include "cluster/ferry-host-program-private.h"

#include <fnmatch.h>

#include "base/ferry-base-private.h"
#include "cluster/ferry-run-message-private.h"
#include "pool/ferry-labels-private.h"

/* How many functions an error names. */
#define MAX_NAMED 8

#define SUMMARY                                                                                                        \
  "Runs the functions of PROGRAM for applications on other machines, which find this host by a NATS server."
#define DESCRIPTION                                                                                                    \
  "PROGRAM is a worker of Ferry: it calls ferry_worker_main(). SIGTERM finishes what runs, gives back what waits, "    \
  "and\n"                                                                                                              \
  "ends; a second SIGTERM ends at once. 'ferry-host --check ...' tells what keeps a host with these options from "     \
  "working, and 'ferry-host --status --application NAME --name NAME' what a running one does.\n"                       \
  "A URL with a password belongs into the environment variable FERRY_SERVER: each user can read a command line."

static gboolean
parse_size (const char *name, const char *value, gpointer data, GError **error)
{
  FerryHostOptions *self = data;
  static const char units[] = "KMGT";
  char *end = NULL;
  guint64 size = g_ascii_strtoull (value, &end, 10);
  const char *unit = *end != '\0' ? strchr (units, g_ascii_toupper (*end)) : NULL;
  guint shift = unit != NULL ? 10 * (guint) (unit - units + 1) : 0;

  if (end == value || *value == '-' || (*end != '\0' && (unit == NULL || end[1] != '\0')) || size == 0 ||
      size > (guint64) G_MAXINT64 >> shift)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "%s '%s': a size is a number of bytes, or one with K, M, G or T behind it", name, value);
      return FALSE;
    }
  self->memory_limit = (gint64) (size << shift);
  return TRUE;
}

static gboolean
set_queue (const char *name, const char *value, gpointer options, GError **error)
{
  FerryHostOptions *self = options;

  if (self->queue != NULL)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                   "%s '%s': a host works off one queue, and has that of '%s' already; start another host", name, value,
                   self->queue);
      return FALSE;
    }
  self->queue = g_strdup (value);
  return TRUE;
}

static GOptionGroup *
make_group (FerryHostOptions *self)
{
  const GOptionEntry entries[] = {
    {"server", 's', 0, G_OPTION_ARG_STRING, &self->server, "The NATS server; what FERRY_SERVER says", "URL"},
    {"application", 'a', 0, G_OPTION_ARG_STRING, &self->application, "Whose tasks it runs; PROGRAM's name", "NAME"},
    {"name", 'n', 0, G_OPTION_ARG_STRING, &self->name, "What it is called; the machine's name", "NAME"},
    {"workers", 'w', 0, G_OPTION_ARG_INT, &self->n_workers, "How many processes run tasks; one a processor", "N"},
    {"functions", 'f', 0, G_OPTION_ARG_STRING, &self->functions, "Which functions it offers; all", "PATTERN"},
    {"label", 0, 0, G_OPTION_ARG_STRING_ARRAY, &self->labels, "What it has that tasks may need, such as gpu", "LABEL"},
    {"queue", 'q', 0, G_OPTION_ARG_CALLBACK, set_queue, "Whose queue it works off while its application is off",
     "USER"},
    {"credentials", 0, 0, G_OPTION_ARG_FILENAME, &self->credentials, "A file with the server's credentials", "FILE"},
    {"nkey", 0, 0, G_OPTION_ARG_FILENAME, &self->nkey, "A file with the seed of an nkey", "FILE"},
    {"tls-ca", 0, 0, G_OPTION_ARG_FILENAME, &self->tls_ca, "Who must have signed the server's certificate", "FILE"},
    {"cut-timeout", 0, 0, G_OPTION_ARG_INT, &self->cut_timeout,
     "How long an application may be cut off; " G_STRINGIFY (FERRY_DEFAULT_CUT_TIMEOUT), "SECONDS"},
    {"sandbox", 0, 0, G_OPTION_ARG_STRING, &self->sandbox, "How workers are confined: required, preferred, off", "HOW"},
    {"read", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->readable, "What they may read in a sandbox", "PATH"},
    {"write", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &self->writable, "What they may write in a sandbox", "PATH"},
    {"network", 0, 0, G_OPTION_ARG_NONE, &self->network, "They may use the network in a sandbox", NULL},
    {"memory-limit", 0, 0, G_OPTION_ARG_CALLBACK, parse_size, "How much memory a worker may have", "SIZE"},
    {"max-tasks", 0, 0, G_OPTION_ARG_INT, &self->max_tasks, "After how many tasks a worker is replaced", "N"},
    {"no-fork-server", 0, 0, G_OPTION_ARG_NONE, &self->no_fork_server, "Start each worker anew", NULL},
    {"metrics-file", 0, 0, G_OPTION_ARG_FILENAME, &self->metrics_file,
     "Where it writes what it does, for Prometheus' node_exporter", "FILE.prom"},
    {"status", 0, 0, G_OPTION_ARG_NONE, &self->status, "Tell what the running host of this name does, and end", NULL},
    {"check", 0, 0, G_OPTION_ARG_NONE, &self->check, "Tell what is wrong, and end", NULL},
    {"verbose", 'v', 0, G_OPTION_ARG_NONE, &self->verbose, "Tell more", NULL},
    {"version", 0, 0, G_OPTION_ARG_NONE, &self->version, "Tell the version, and end", NULL},
    {NULL},
  };
  GOptionGroup *group = g_option_group_new ("main", NULL, NULL, self, NULL);

  g_option_group_add_entries (group, entries);
  return group;
}

/* ---- what was not given ---- */

/* Returns (transfer full) text with '-' for what cannot be in a token. */
static char *
make_token (const char *text)
{
  char *token = g_strndup (text, FERRY_MAX_TOKEN);

  return g_strcanon (token, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-", '-');
}

static char *
make_default_name (void)
{
  g_auto (GStrv) parts = g_strsplit (g_get_host_name (), ".", 2);

  return make_token (parts[0] != NULL && parts[0][0] != '\0' ? parts[0] : "host");
}

static char *
make_default_application (const char *program)
{
  g_autofree char *name = g_path_get_basename (program);

  return make_token (name);
}

static void
fill_in (FerryHostOptions *self)
{
  if (self->server == NULL)
    self->server = g_strdup (g_getenv (FERRY_HOST_SERVER_VARIABLE));
  if (self->server == NULL)
    self->server = g_strdup (FERRY_HOST_DEFAULT_SERVER);
  if (self->application == NULL)
    self->application = make_default_application (self->program[0]);
  if (self->name == NULL)
    self->name = make_default_name ();
  if (self->functions == NULL)
    self->functions = g_strdup ("*");
}

/* ---- what is wrong ---- */

static gboolean
check_token (const char *option, const char *value, GError **error)
{
  return ferry_token_is_valid (value) ||
         ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "%s '%s': a name has 1 to %d of the characters A-Z, a-z, 0-9, '_' and '-'", option, value,
                          FERRY_MAX_TOKEN);
}

static gboolean
check_range (const char *option, int value, int min, int max, GError **error)
{
  return (value >= min && value <= max) ||
         ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "%s %d: give a number from %d to %d", option, value, min,
                          max);
}

static gboolean
check_sandbox (const FerryHostOptions *self, GError **error)
{
  static const char *const ways[] = {"required", "preferred", "off", NULL};
  gboolean is_confined = self->sandbox != NULL && !g_str_equal (self->sandbox, "off");

  if (self->sandbox != NULL && !g_strv_contains (ways, self->sandbox))
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS, "--sandbox %s: give 'required', 'preferred' or 'off'",
                            self->sandbox);
  return is_confined || (self->readable == NULL && self->writable == NULL && !self->network) ||
         ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                          "--read, --write and --network are for a sandbox; give --sandbox=required as well");
}

/* Whether one of the URLs has a password, also where they are malformed. */
static gboolean
has_password (const char *urls)
{
  g_auto (GStrv) parts = g_strsplit (urls, "://", -1);

  for (guint i = 1; parts[0] != NULL && parts[i] != NULL; i++)
    {
      const char *colon = strchr (parts[i], ':');

      if (colon != NULL && strchr (colon, '@') != NULL)
        return TRUE;
    }
  return FALSE;
}

static gboolean
check_server (const FerryHostOptions *self, GError **error)
{
  return self->server == NULL || !has_password (self->server) ||
         ferry_set_error (
           error, FERRY_ERROR_BAD_ARGUMENTS,
           "--server: each user of this machine can read the password in a command line; give the URL by "
           "the environment variable %s, or log in with --credentials or --nkey",
           FERRY_HOST_SERVER_VARIABLE);
}

static gboolean
check (const FerryHostOptions *self, GError **error)
{
  return check_token ("--application", self->application, error) && check_token ("--name", self->name, error) &&
         (self->queue == NULL || check_token ("--queue", self->queue, error)) &&
         check_range ("--workers", self->n_workers, 0, FERRY_MAX_HOST_WORKERS, error) &&
         check_range ("--cut-timeout", self->cut_timeout, 1, G_MAXINT, error) &&
         check_range ("--max-tasks", self->max_tasks, 0, G_MAXINT, error) &&
         ferry_labels_check ((const char *const *) self->labels, "--label gives", error) && check_sandbox (self, error);
}

gboolean
ferry_host_options_parse (FerryHostOptions *self, char **arguments, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new ("PROGRAM [ARGUMENT...]");
  g_auto (GStrv) rest = g_strdupv (arguments);
  guint first = 1;

  *self = (FerryHostOptions){.cut_timeout = FERRY_DEFAULT_CUT_TIMEOUT};
  g_option_context_set_summary (context, SUMMARY);
  g_option_context_set_description (context, DESCRIPTION);
  g_option_context_set_main_group (context, make_group (self));
  /* What comes behind PROGRAM is for PROGRAM. */
  g_option_context_set_strict_posix (context, TRUE);
  if (!g_option_context_parse_strv (context, &rest, error))
    return FALSE;
  if (self->version)
    return TRUE;
  if (rest[first] != NULL && g_str_equal (rest[first], "--"))
    first++;
  if (rest[first] == NULL && !self->status)
    return ferry_set_error (error, FERRY_ERROR_BAD_ARGUMENTS,
                            "Give the program whose functions this host runs; 'ferry-host --help' lists the options");
  if (rest[first] == NULL && self->application == NULL)
    return ferry_set_error (
      error, FERRY_ERROR_BAD_ARGUMENTS,
      "Give the application of the host, or its program: 'ferry-host --status --application NAME'");
  if (!check_server (self, error))
    return FALSE;
  self->program = g_strdupv (&rest[first]);
  fill_in (self);
  return check (self, error);
}

void
ferry_host_options_clear (FerryHostOptions *self)
{
  g_free (self->server);
  g_free (self->application);
  g_free (self->name);
  g_free (self->functions);
  g_strfreev (self->labels);
  g_free (self->queue);
  g_free (self->credentials);
  g_free (self->nkey);
  g_free (self->tls_ca);
  g_free (self->metrics_file);
  g_free (self->sandbox);
  g_strfreev (self->readable);
  g_strfreev (self->writable);
  g_strfreev (self->program);
  *self = (FerryHostOptions){0};
}

/* ---- what they mean ---- */

static FerrySandbox *
make_sandbox (const FerryHostOptions *self)
{
  FerrySandbox *sandbox = ferry_sandbox_new ();

  g_object_set (sandbox, "network", self->network, "read-only-paths", self->readable, "writable-paths", self->writable,
                NULL);
  if (g_str_equal (self->sandbox, "preferred"))
    g_object_set (sandbox, "policy", FERRY_SANDBOX_POLICY_PREFERRED, NULL);
  if (self->memory_limit > 0)
    g_object_set (sandbox, "memory-limit", (guint64) self->memory_limit, NULL);
  return sandbox;
}

FerryLauncher *
ferry_host_options_make_launcher (const FerryHostOptions *self)
{
  FerryLauncher *launcher = ferry_launcher_new ((const char *const *) self->program);
  gboolean is_confined = self->sandbox != NULL && !g_str_equal (self->sandbox, "off");
  g_autoptr (FerrySandbox) sandbox = is_confined ? make_sandbox (self) : NULL;

  g_object_set (launcher, "stdout", FERRY_STREAM_MODE_LOG, "stderr", FERRY_STREAM_MODE_LOG, "sandbox", sandbox, NULL);
  if (sandbox == NULL && self->memory_limit > 0)
    ferry_launcher_set_limit (launcher, FERRY_LIMIT_MEMORY, (guint64) self->memory_limit);
  return launcher;
}

/* Reports that none of the functions can be called. */
static char **
set_none_fits (const FerryHostOptions *self, GVariant *functions, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  GVariantIter iter;
  const char *name;

  g_variant_iter_init (&iter, functions);
  for (guint i = 0; i <= MAX_NAMED && g_variant_iter_next (&iter, "(&s&s&s)", &name, NULL, NULL); i++)
    g_string_append_printf (names, "%s%s", i == 0 ? "" : ", ", i == MAX_NAMED ? "..." : name);
  if (names->len == 0)
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_FUNCTION,
                     "'%s' has no function; register some with ferry_function_register() before ferry_worker_main()",
                     self->program[0]);
  else
    ferry_set_error (error, FERRY_ERROR_UNKNOWN_FUNCTION, "No function of '%s' fits the pattern '%s'; it has %s",
                     self->program[0], self->functions, names->str);
  return NULL;
}

char **
ferry_host_options_filter (const FerryHostOptions *self, GVariant *functions, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  GVariantIter iter;
  const char *name;

  g_variant_iter_init (&iter, functions);
  while (g_variant_iter_next (&iter, "(&s&s&s)", &name, NULL, NULL))
    if (fnmatch (self->functions, name, 0) == 0)
      g_ptr_array_add (names, g_strdup (name));
  if (names->len == 0)
    return set_none_fits (self, functions, error);
  if (names->len > FERRY_MAX_HOST_FUNCTIONS)
    {
      ferry_set_error (error, FERRY_ERROR_TOO_LARGE,
                       "%u functions of '%s' fit the pattern '%s', and a host has at most %d; choose some with "
                       "--functions, and start another host for the others",
                       names->len, self->program[0], self->functions, FERRY_MAX_HOST_FUNCTIONS);
      return NULL;
    }
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&names), FALSE);
}
