/* The worker of Converter, which runs ffmpeg, 7z and programs for pictures. A function runs one program, or several in
 * a row, and is one task: one row, one bar, one Cancel. What is cancelled, or fails, leaves nothing behind: no process,
 * and no half of a file.
 *
 * SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

#include <errno.h>
#include <ferry.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <locale.h>

static const char IN[] = "what the program reads", OUT[] = "what it writes",
                  FOLDER[] = "where it writes a file of that name";

/* What makes a picture smaller. Of each step, the first program that is installed runs; the second step reads what the
 * first has written. */
typedef struct
{
  const char *suffix;
  guint step;
  const char *argv[9];
} Tool;

static const Tool tools[] = {
  {".png", 0, {"pngquant", "--skip-if-larger", "--output", OUT, "--", IN}},
  {".png", 1, {"oxipng", "--out", OUT, "--", IN}},
  {".png", 1, {"optipng", "-out", OUT, "--", IN}},
  /* Not by --stdout: it crashes with a picture that gets no smaller. */
  {".jpg", 0, {"jpegoptim", "--max=85", "--dest", FOLDER, "--", IN}},
  {".jpg", 1, {"jpegtran", "-copy", "all", "-optimize", "-progressive", "-outfile", OUT, IN}},
};

static gboolean
is_installed (const char *program)
{
  g_autofree char *path = g_find_program_in_path (program);

  return path != NULL;
}

/* Before hours of work, and not only after them. The name was free when the task was submitted. So a file that is newer
 * than that, and is there when the task runs once more, was made by the run before, and is replaced; any other file is
 * somebody else's. */
static gboolean
check_place (FerryJob *job, const char *file, gint64 submitted, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (file), *shown = g_filename_display_name (folder);
  GStatBuf status;

  if (g_access (folder, W_OK) != 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), _ ("Nothing can be written to the folder “%s”: %s"),
                 shown, g_strerror (errno));
  else if (g_stat (file, &status) == 0 && (!ferry_job_is_repeated (job) || status.st_mtime < submitted))
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                         _ ("Another file has taken its name; move it away, and try again"));
  return *error == NULL;
}

/* Each program has its own words for a full disk, with the system's in them. */
static void
explain (GError *error)
{
  g_autofree char *trace = ferry_error_get_trace (error);
  const char *no_room = g_strerror (ENOSPC);

  if (strstr (error->message, no_room) == NULL && (trace == NULL || strstr (trace, no_room) == NULL))
    return;
  g_free (error->message);
  error->message = g_strdup (_ ("There is no room left on the disk"));
}

/* Runs a command as a part of the job. file: (nullable): what it writes, and what is there at the end or not at all. A
 * file that somebody has saved there meanwhile stays. */
static gboolean
run_part (FerryJob *job, double part, FerryCommand *command, const char *file, GError **error)
{
  gboolean succeeded;

  if (file != NULL)
    g_object_set (command, "output-files", (const char *const[]){file, NULL}, "replace-output-files", TRUE, NULL);
  ferry_job_begin_part (job, part);
  succeeded = ferry_job_run_command (job, command, NULL, error);
  ferry_job_end_part (job);
  if (!succeeded)
    explain (*error);
  return succeeded && (file == NULL || check_place (job, file, 0, error));
}

/* Takes the arguments of a function apart: what it makes (transfer none), and of what. */
static gboolean
read_arguments (FerryJob *job, GVariant *arguments, const char **made, const char ***paths, GError **error)
{
  gint64 submitted;

  g_variant_get (arguments, "(x^&ay^a&ay)", &submitted, made, paths);
  return check_place (job, *made, submitted, error);
}

/* ---- videos ---- */

static GVariant *
convert (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autofree const char **paths = NULL;
  const char *made;

  if (!read_arguments (job, arguments, &made, &paths, error))
    return NULL;
  const char *const argv[] = {"ffmpeg",    "-nostdin", "-hide_banner", "-i", paths[0],  "-c:v", "libvpx-vp9",
                              "-deadline", "good",     "-cpu-used",    "4",  "-row-mt", "1",    made,
                              NULL};
  g_autoptr (FerryCommand) command = ferry_command_new (argv);

  return run_part (job, 1, command, made, error) ? g_variant_new_take_string (g_filename_display_basename (made))
                                                 : NULL;
}

/* ---- pictures ---- */

/* Returns (nullable): what makes such a picture smaller in this step. */
static const Tool *
find_tool (const char *suffix, guint step)
{
  for (guint i = 0; i < G_N_ELEMENTS (tools); i++)
    if (g_str_equal (tools[i].suffix, suffix) && tools[i].step == step && is_installed (tools[i].argv[0]))
      return &tools[i];
  return NULL;
}

static gboolean
run_tool (FerryJob *job, const Tool *tool, const char *in, const char *out, GError **error)
{
  const char *argv[G_N_ELEMENTS (tool->argv) + 1] = {NULL};
  g_autofree char *folder = g_path_get_dirname (out);
  g_autoptr (FerryCommand) command = NULL;

  for (guint i = 0; tool->argv[i] != NULL; i++)
    argv[i] = tool->argv[i] == IN ? in : tool->argv[i] == OUT ? out : tool->argv[i] == FOLDER ? folder : tool->argv[i];
  command = ferry_command_new (argv);
  if (g_str_equal (argv[0], "pngquant"))
    g_object_set (command, "success-statuses", g_variant_new_parsed ("[0, 98]"), NULL); /* 98: it would be larger */
  return run_part (job, 0.45, command, NULL, error);
}

/* Returns (transfer full): the new picture if it is smaller by a percent, or else the old one. */
static char *
choose (char *new_path, guint64 *size, const char *old_path)
{
  g_autofree char *path = new_path;
  GStatBuf status;

  if (g_stat (path, &status) != 0 || status.st_size == 0 || (guint64) status.st_size > *size - (*size + 99) / 100)
    return g_strdup (old_path);
  *size = (guint64) status.st_size;
  return g_steal_pointer (&path);
}

/* Returns (transfer full) (nullable): the smallest picture that the programs have made, or the old one. size: (inout)
 */
static char *
run_tools (FerryJob *job, const char *picture, const char *suffix, guint64 *size, GError **error)
{
  const char *scratch = ferry_job_get_scratch_folder (job, error); /* gone when the function has returned */
  g_autofree char *best = g_strdup (picture), *name = g_path_get_basename (picture);
  guint n_tools = 0;

  for (guint step = 0; scratch != NULL && step < 2; step++)
    {
      const Tool *tool = find_tool (suffix, step);
      g_autofree char *out = g_strdup_printf ("%s/%s%s", scratch, step > 0 ? "smaller-" : "", name);
      g_autofree char *in = g_steal_pointer (&best);

      n_tools += tool != NULL;
      if (tool != NULL && !run_tool (job, tool, in, out, error))
        return NULL;
      best = choose (g_steal_pointer (&out), size, in);
    }
  if (scratch != NULL && n_tools == 0)
    g_set_error_literal (error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT,
                         g_str_equal (suffix, ".png") ? _ ("Neither pngquant nor optipng is installed")
                                                      : _ ("Neither jpegoptim nor jpegtran is installed"));
  return n_tools > 0 ? g_steal_pointer (&best) : NULL;
}

static GVariant *
shrink (FerryJob *job, GVariant *arguments, GError **error)
{
  g_autofree const char **paths = NULL;
  const char *made;
  g_autofree char *best = NULL, *name = NULL, *shown = NULL;
  g_autoptr (FerryCommand) copy = NULL;
  guint64 size, old_size;
  GStatBuf status;

  if (!read_arguments (job, arguments, &made, &paths, error))
    return NULL;
  if (g_stat (paths[0], &status) != 0)
    {
      shown = g_filename_display_name (paths[0]);
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "“%s”: %s", shown, g_strerror (errno));
      return NULL;
    }
  size = old_size = (guint64) status.st_size;
  best = run_tools (job, paths[0], strrchr (made, '.'), &size, error);
  if (best == NULL)
    return NULL;
  if (size == old_size)
    return g_variant_new_string (_ ("It is as small as it gets"));
  copy = ferry_command_new ((const char *const[]){"cp", "--", best, made, NULL});
  if (!run_part (job, 1, copy, made, error))
    return NULL;
  name = g_filename_display_basename (made);
  shown = g_format_size (size);
  return g_variant_new_take_string (
    g_strdup_printf (_ ("%s: %s, %u %% smaller"), name, shown, (guint) (100 * (old_size - size) / old_size)));
}

/* ---- all else ---- */

/* 7z asks for the password, since -p has none: nobody reads it in the list of processes. */
static GVariant *
pack (FerryJob *job, GVariant *arguments, GError **error)
{
  static const char *const packers[] = {"7zz", "7z", "7za"};
  const char *made, *packer = "7z";
  g_autofree const char **paths = NULL;
  g_autofree char *shown = NULL;
  g_autoptr (GStrvBuilder) argv = g_strv_builder_new ();

  if (!read_arguments (job, arguments, &made, &paths, error))
    return NULL;
  for (guint i = G_N_ELEMENTS (packers); i-- > 0;)
    packer = is_installed (packers[i]) ? packers[i] : packer;
  g_strv_builder_add_many (argv, packer, "a", "-bsp1", "-spd", "-mhe=on", "-p", "--", made, NULL);
  for (guint i = 0; paths[i] != NULL; i++)
    g_strv_builder_add (argv, paths[i]);
  g_auto (GStrv) words = g_strv_builder_end (argv);
  g_autoptr (FerryCommand) command = ferry_command_new ((const char *const *) words);

  g_object_set (command, "interactive", TRUE, "progress-program", "7z", NULL);
  if (!run_part (job, 1, command, made, error))
    return NULL;
  shown = g_filename_display_basename (made);
  return g_variant_new_take_string (g_strdup_printf (_ ("%s has a password"), shown));
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, ""); /* errors of the system are in the user's language, too */
  bindtextdomain (GETTEXT_PACKAGE, LOCALEDIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  ferry_function_register ("convert", "(xayaay)", "s", convert);
  ferry_function_register ("shrink", "(xayaay)", "s", shrink);
  ferry_function_register ("pack", "(xayaay)", "s", pack);
  ferry_worker_main (&argc, &argv);
  g_printerr (_ ("This is a part of Converter, which starts it.\n"));
  return 1;
}
