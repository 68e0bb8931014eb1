/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: LGPL-2.1-or-later */

/* Programs as tasks, also for files that are dropped on the page: what they print is shown as it comes. There is no
 * shell: GLib takes a line apart, and its words reach the program as they are.
 *
 * Files that are made lie in a folder of this page, which goes with it. A task has the name of its file, so that one
 * that is tried again has it too. */

#include <ferry-gtk.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "app/ferry-demo-pages.h"
#include "app/ferry-demo-window.h"

/* In bytes, what "count" below says: 40 GB. */
#define ZEROS 40e9
#define OUTPUT_KEY "ferry-demo-output"
#define MAX_LINES 1000

#define FERRY_DEMO_TYPE_COMMANDS_PAGE (ferry_demo_commands_page_get_type ())
G_DECLARE_FINAL_TYPE (FerryDemoCommandsPage, ferry_demo_commands_page, FERRY_DEMO, COMMANDS_PAGE, AdwBin)

struct _FerryDemoCommandsPage
{
  AdwBin parent_instance;

  FerryExecutor *commands; /* (nullable) */
  char *folder;            /* NULL until a file is made */

  AdwPreferencesGroup *group;
  GtkEditable *entry;
  GtkWidget *run_button;
  GtkWidget *error_label;
  GtkDropTarget *drop_target;
  GtkWidget *list;
  GtkWidget *output_box;
  GtkLabel *output_label;
  GtkTextView *output;
};

G_DEFINE_FINAL_TYPE (FerryDemoCommandsPage, ferry_demo_commands_page, ADW_TYPE_BIN)

/* ---- what a command prints ---- */

static void
line_cb (FerryTask *task, const char *type, GVariant *line, GtkTextBuffer *buffer)
{
  GtkTextIter begin, end;

  if (!g_str_has_prefix (type, "newest-") || !g_variant_is_of_type (line, G_VARIANT_TYPE_STRING))
    return;
  gtk_text_buffer_get_end_iter (buffer, &end);
  gtk_text_buffer_insert (buffer, &end, g_variant_get_string (line, NULL), -1);
  gtk_text_buffer_insert (buffer, &end, "\n", 1);
  gtk_text_buffer_get_start_iter (buffer, &begin);
  gtk_text_buffer_get_iter_at_line (buffer, &end, gtk_text_buffer_get_line_count (buffer) - MAX_LINES);
  if (gtk_text_buffer_get_line_count (buffer) > MAX_LINES)
    gtk_text_buffer_delete (buffer, &begin, &end);
}

/* Of the task that is selected, or of the newest one. */
static void
show_output (FerryDemoCommandsPage *self)
{
  guint n_tasks = self->commands != NULL ? g_list_model_get_n_items (G_LIST_MODEL (self->commands)) : 0;
  g_autoptr (FerryTask) task = NULL;
  g_autofree char *title = NULL;

  g_object_get (self->list, "selected-task", &task, NULL);
  if (task == NULL && n_tasks > 0)
    task = g_list_model_get_item (G_LIST_MODEL (self->commands), n_tasks - 1);
  gtk_widget_set_visible (self->list, n_tasks > 0);
  gtk_widget_set_visible (self->output_box, task != NULL);
  if (task == NULL)
    return;
  title = g_strdup_printf (_ ("Output of “%s”"), ferry_task_get_name (task));
  gtk_label_set_text (self->output_label, title);
  gtk_text_view_set_buffer (self->output, g_object_get_data (G_OBJECT (task), OUTPUT_KEY));
}

/* The last line stays in sight. */
static void
grown_cb (FerryDemoCommandsPage *self, GtkTextBuffer *buffer)
{
  if (gtk_text_view_get_buffer (self->output) == buffer)
    gtk_text_view_scroll_to_mark (self->output, gtk_text_buffer_get_insert (buffer), 0.0, FALSE, 0.0, 0.0);
}

static void
tasks_changed_cb (FerryDemoCommandsPage *self, guint position, guint n_removed, guint n_added)
{
  for (guint i = position; i < position + n_added; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (G_LIST_MODEL (self->commands), i);
      g_autoptr (GtkTextBuffer) buffer = gtk_text_buffer_new (NULL);

      if (g_object_get_data (G_OBJECT (task), OUTPUT_KEY) != NULL)
        continue;
      g_signal_connect_object (task, "message", G_CALLBACK (line_cb), buffer, 0);
      g_signal_connect_object (buffer, "changed", G_CALLBACK (grown_cb), self, G_CONNECT_SWAPPED);
      g_object_set_data_full (G_OBJECT (task), OUTPUT_KEY, g_steal_pointer (&buffer), g_object_unref);
      g_object_set (self->list, "selected-task", task, NULL);
    }
  show_output (self);
}

/* ---- commands ---- */

/* made: (nullable): a file that it makes, in the page's folder; total: how much there is to do, or 0 */
static void
run (FerryDemoCommandsPage *self, const char *name, const char *const *argv, const char *made, double total)
{
  g_autoptr (FerryCommand) command = ferry_command_new (argv);
  g_autoptr (FerryTask) task = NULL;
  g_autoptr (GError) error = NULL;

  g_object_set (command, "total", total, NULL);
  if (made != NULL)
    g_object_set (command, "output-files", (const char *const[]){made, NULL}, "replace-output-files", TRUE, NULL);
  task = ferry_task_new_for_command (command, &error);
  if (task != NULL)
    g_object_set (task, "name", name, "application-data", made != NULL ? g_variant_new_bytestring (made) : NULL, NULL);
  if (task == NULL || !ferry_executor_submit_task (self->commands, task, &error))
    ferry_demo_tell (GTK_WIDGET (self), error->message, NULL);
}

static void
run_line (FerryDemoCommandsPage *self, const char *line, double total)
{
  g_auto (GStrv) argv = NULL;

  if (g_shell_parse_argv (line, NULL, &argv, NULL))
    run (self, line, (const char *const *) argv, NULL, total);
}

/* A file or a folder, as a compressed archive. */
static void
pack (FerryDemoCommandsPage *self, const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path), *base = g_path_get_basename (path), *made = NULL, *name = NULL;
  g_autofree char *file = g_strconcat (base, ".tar.gz", NULL), *shown = g_filename_display_name (base);
  g_autoptr (GError) error = NULL;

  if (self->folder == NULL)
    self->folder = g_dir_make_tmp ("ferry-demo-XXXXXX", &error);
  if (self->folder == NULL)
    {
      ferry_demo_tell (GTK_WIDGET (self), error->message, NULL);
      return;
    }
  made = g_build_filename (self->folder, file, NULL);
  name = g_strdup_printf (_ ("Pack “%s”"), shown);
  run (self, name,
       (const char *const[]){"tar", "--create", "--gzip", "--verbose", "--file", made, "--directory", folder, "--",
                             base, NULL},
       made, 0.0);
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, FerryDemoCommandsPage *self)
{
  g_autoptr (GSList) files = gdk_file_list_get_files (g_value_get_boxed (value));

  for (GSList *file = files; file != NULL; file = file->next)
    if (g_file_peek_path (file->data) != NULL)
      pack (self, g_file_peek_path (file->data));
  return TRUE;
}

/* What cannot be run is said where the line is typed. */
static void
changed_cb (FerryDemoCommandsPage *self)
{
  g_autoptr (GError) error = NULL;
  gboolean is_good = g_shell_parse_argv (gtk_editable_get_text (self->entry), NULL, NULL, &error);

  gtk_widget_set_sensitive (self->run_button, is_good);
  gtk_widget_set_visible (self->error_label, g_error_matches (error, G_SHELL_ERROR, G_SHELL_ERROR_BAD_QUOTING));
}

static void
entered_cb (FerryDemoCommandsPage *self)
{
  run_line (self, gtk_editable_get_text (self->entry), 0.0);
}

static void
run_given (GtkWidget *widget, const char *action, GVariant *parameter)
{
  const char *line;
  double total;

  g_variant_get (parameter, "(&sd)", &line, &total);
  run_line (FERRY_DEMO_COMMANDS_PAGE (widget), line, total);
}

static void
pack_given (GtkWidget *widget, const char *action, GVariant *path)
{
  pack (FERRY_DEMO_COMMANDS_PAGE (widget), g_variant_get_string (path, NULL));
}

/* ---- the file that a command made ---- */

static void
open_folder (GtkWidget *widget, const char *action, GVariant *parameter)
{
  g_autofree char *uri = g_filename_to_uri (FERRY_DEMO_COMMANDS_PAGE (widget)->folder, NULL, NULL);

  gtk_show_uri (GTK_WINDOW (gtk_widget_get_root (widget)), uri, GDK_CURRENT_TIME);
}

static gboolean
has_made_file (FerryTaskRow *row, FerryTaskState state, GVariant *made, gpointer data)
{
  return state == FERRY_TASK_STATE_COMPLETED && made != NULL;
}

static void
setup_row_cb (FerryTaskList *list, FerryTaskRow *row, gpointer data)
{
  GtkExpression *task = gtk_property_expression_new (FERRY_TYPE_TASK_ROW, NULL, "task");
  GtkExpression *parts[] = {
    gtk_property_expression_new (FERRY_TYPE_TASK, gtk_expression_ref (task), "state"),
    gtk_property_expression_new (FERRY_TYPE_TASK, task, "application-data"),
  };
  GtkExpression *has_made = gtk_cclosure_expression_new (G_TYPE_BOOLEAN, NULL, G_N_ELEMENTS (parts), parts,
                                                         G_CALLBACK (has_made_file), NULL, NULL);
  GtkWidget *button =
    g_object_new (GTK_TYPE_BUTTON, "icon-name", "folder-open-symbolic", "action-name", "command.open-folder", "valign",
                  GTK_ALIGN_CENTER, "tooltip-text", _ ("Show the File"), "visible", FALSE, NULL);

  gtk_widget_add_css_class (button, "flat");
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Show the File"), -1);
  gtk_expression_bind (has_made, button, "visible", row);
  ferry_task_row_set_suffix (row, button);
}

/* Nothing lies in it but files. */
static void
remove_folder (const char *folder)
{
  g_autoptr (GDir) directory = g_dir_open (folder, 0, NULL);
  const char *name;

  while (directory != NULL && (name = g_dir_read_name (directory)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      g_remove (path);
    }
  g_rmdir (folder);
}

/* ---- the page itself ---- */

static void
ferry_demo_commands_page_dispose (GObject *object)
{
  g_clear_object (&FERRY_DEMO_COMMANDS_PAGE (object)->commands);
  G_OBJECT_CLASS (ferry_demo_commands_page_parent_class)->dispose (object);
}

static void
ferry_demo_commands_page_finalize (GObject *object)
{
  FerryDemoCommandsPage *self = FERRY_DEMO_COMMANDS_PAGE (object);

  if (self->folder != NULL)
    remove_folder (self->folder);
  g_free (self->folder);
  G_OBJECT_CLASS (ferry_demo_commands_page_parent_class)->finalize (object);
}

static void
ferry_demo_commands_page_class_init (FerryDemoCommandsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = ferry_demo_commands_page_dispose;
  G_OBJECT_CLASS (klass)->finalize = ferry_demo_commands_page_finalize;
  g_type_ensure (FERRY_TYPE_TASK_LIST);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/ferryproject/Demo/ferry-demo-commands-page.ui");
#define BIND(child) gtk_widget_class_bind_template_child (widget_class, FerryDemoCommandsPage, child)
  BIND (group);
  BIND (entry);
  BIND (run_button);
  BIND (error_label);
  BIND (drop_target);
  BIND (list);
  BIND (output_box);
  BIND (output_label);
  BIND (output);
  gtk_widget_class_bind_template_callback (widget_class, changed_cb);
  gtk_widget_class_bind_template_callback (widget_class, entered_cb);
  gtk_widget_class_bind_template_callback (widget_class, setup_row_cb);
  gtk_widget_class_bind_template_callback (widget_class, show_output);
  gtk_widget_class_install_action (widget_class, "command.run", "(sd)", run_given);
  gtk_widget_class_install_action (widget_class, "command.pack", "s", pack_given);
  gtk_widget_class_install_action (widget_class, "command.open-folder", NULL, open_folder);
}

static void
ferry_demo_commands_page_init (FerryDemoCommandsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  gtk_drop_target_set_gtypes (self->drop_target, (GType[]){GDK_TYPE_FILE_LIST}, 1);
  g_signal_connect_object (self->drop_target, "drop", G_CALLBACK (drop_cb), self, 0);
  changed_cb (self);
}

void
ferry_demo_commands_page_enter (GtkWidget *page)
{
  gtk_widget_grab_focus (GTK_WIDGET (FERRY_DEMO_COMMANDS_PAGE (page)->entry));
}

static void
add_row (FerryDemoCommandsPage *self, const char *title, const char *line, const char *action, GVariant *target)
{
  GtkWidget *button =
    g_object_new (GTK_TYPE_BUTTON, "icon-name", "media-playback-start-symbolic", "tooltip-text", _ ("Run"), "valign",
                  GTK_ALIGN_CENTER, "action-name", action, "action-target", target, NULL);
  GtkWidget *row = g_object_new (ADW_TYPE_ACTION_ROW, "title", title, "subtitle", line, "subtitle-lines", 2,
                                 "activatable-widget", button, NULL);

  gtk_widget_add_css_class (button, "flat");
  adw_action_row_add_suffix (ADW_ACTION_ROW (row), button);
  gtk_accessible_update_property (GTK_ACCESSIBLE (button), GTK_ACCESSIBLE_PROPERTY_LABEL, _ ("Run"),
                                  GTK_ACCESSIBLE_PROPERTY_DESCRIPTION, title, -1);
  adw_preferences_group_add (self->group, row);
}

GtkWidget *
ferry_demo_commands_page_new (FerryDemoSession *session)
{
  static const char *const zeros =
    "dd if=/dev/zero of=/dev/null bs=1000000 count=40000 iflag=fullblock status=progress";
  static const char *const sums = "find /usr/lib -type f -readable -exec sha256sum {} +";
  FerryDemoCommandsPage *self = g_object_new (FERRY_DEMO_TYPE_COMMANDS_PAGE, NULL);
  FerryExecutor *commands = ferry_demo_session_get_commands (session);

  add_row (self, _ ("Copy 40 GB of Zeros"), zeros, "command.run", g_variant_new ("(sd)", zeros, ZEROS));
  add_row (self, _ ("Compute Checksums"), sums, "command.run", g_variant_new ("(sd)", sums, 0.0));
  add_row (self, _ ("Pack a Folder"), "tar --create --gzip --verbose /usr/share/icons", "command.pack",
           g_variant_new_string ("/usr/share/icons"));
  gtk_widget_set_sensitive (GTK_WIDGET (self), commands != NULL);
  if (commands == NULL)
    return GTK_WIDGET (self);
  self->commands = g_object_ref (commands);
  g_object_set (self->list, "tasks", commands, NULL);
  g_signal_connect_object (commands, "items-changed", G_CALLBACK (tasks_changed_cb), self, G_CONNECT_SWAPPED);
  return GTK_WIDGET (self);
}
