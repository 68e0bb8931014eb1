/* SPDX-FileCopyrightText: The Ferry authors
 * SPDX-License-Identifier: 0BSD */

/* The window: what becomes of a file that is dropped, the list of tasks, and the question for a password.
 *
 * There are two executors, whose tasks are one list: ffmpeg uses all cores, so there is one video at a time, and
 * nobody's picture or password waits for it. Each is behind a queue in a file, so what is not done when the application
 * ends, in whatever way, is done when it is started again. */

#define GDK_DISABLE_DEPRECATION_WARNINGS /* of GtkFileChooserNative, GtkDialog and GtkInfoBar, since 4.10 */

#include "converter-window.h"

#include <glib/gi18n.h>
#include <string.h>

struct _ConverterWindow
{
  GtkApplicationWindow parent_instance;

  GtkInfoBar *bar;
  GtkLabel *complaint; /* in the bar */
  FerryTaskBanner *banner;
  FerryTaskList *list;
  GtkLabel *missing;  /* which programs are not installed */
  FerryQueue *videos; /* (nullable), as the next two */
  FerryQueue *others;
  GListModel *tasks; /* those of both */
  guint n_open;      /* of the queues */
  GPtrArray *early;  /* (element-type GFile): those that came before the queues were open */
};

G_DEFINE_FINAL_TYPE (ConverterWindow, converter_window, GTK_TYPE_APPLICATION_WINDOW)

static void
complain (ConverterWindow *self, const char *text)
{
  gtk_label_set_label (self->complaint, text);
  gtk_info_bar_set_revealed (self->bar, TRUE);
}

static void
close_bar (GtkInfoBar *bar)
{
  gtk_info_bar_set_revealed (bar, FALSE);
}

/* ---- tasks ---- */

static void
done_cb (FerryTask *task)
{
  g_autoptr (GVariant) result = ferry_task_get_result (task, NULL);

  if (result != NULL) /* the list itself says why there is none */
    ferry_task_set_outcome (task, FERRY_TASK_STATUS_DONE, g_variant_get_string (result, NULL));
}

/* What a task of an earlier run has come to is said as often as it gets a row. */
static void
row_task_changed (FerryTaskRow *row)
{
  g_autoptr (FerryTask) task = NULL;

  g_object_get (row, "task", &task, NULL);
  if (task != NULL && ferry_task_get_done (task))
    done_cb (task);
}

static void
setup_row_cb (FerryTaskList *list, FerryTaskRow *row)
{
  g_signal_connect (row, "notify::task", G_CALLBACK (row_task_changed), NULL);
}

static gboolean
is_taken (FerryQueue *queue, const char *path, const char *key)
{
  g_autoptr (FerryTask) task = ferry_queue_lookup (queue, key);

  return g_file_test (path, G_FILE_TEST_EXISTS) || (task != NULL && !ferry_task_get_done (task));
}

/* Has a function make a file: Film.webm of Film.mp4, or Film 2.webm where that is taken, and so on. The task keeps the
 * name, which is its key: what runs again, after a crash too, puts its file in the place of the one it has made. */
static void
submit (ConverterWindow *self, FerryQueue *queue, const char *function, const char *path, const char *part,
        const char *suffix, const GPtrArray *paths)
{
  const char *dot = strrchr (path, '.');
  int length = (int) (dot != NULL && strchr (dot, '/') == NULL ? (gsize) (dot - path) : strlen (path));
  g_autofree char *made = g_strdup_printf ("%.*s%s%s", length, path, part, suffix);
  g_autofree char *key = g_filename_to_uri (made, NULL, NULL), *name = g_filename_display_basename (path);
  g_autoptr (FerryTask) task = NULL, submitted = NULL;
  g_autoptr (GError) error = NULL;

  for (guint n = 2; is_taken (queue, made, key); n++)
    {
      g_free (made);
      g_free (key);
      made = g_strdup_printf ("%.*s%s %u%s", length, path, part, n, suffix);
      key = g_filename_to_uri (made, NULL, NULL);
    }
  task = ferry_task_new (FERRY_TASK_KIND_PROGRESS, function,
                         g_variant_new ("(x^ay@aay)", g_get_real_time () / G_USEC_PER_SEC, made,
                                        g_variant_new_bytestring_array ((const char **) paths->pdata, paths->len)));
  g_object_set (task, "name", name, "interactive", TRUE, "idempotent", TRUE, NULL);
  ferry_task_set_cancel_grace (task, 10 * G_USEC_PER_SEC); /* programs that are cancelled tidy up */
  ferry_queue_forget (queue, key, NULL);                   /* a task that is done; its file is gone */
  submitted = ferry_queue_submit (queue, task, key, &error);
  if (submitted == NULL)
    complain (self, error->message);
}

/* ---- the password ---- */

static void
response_cb (GtkDialog *dialog, int response, FerryTask *task)
{
  GtkEditable *entry = g_object_get_data (G_OBJECT (dialog), "entry");
  char *answer = g_strconcat (gtk_editable_get_text (entry), "\n", NULL);
  ConverterWindow *self = CONVERTER_WINDOW (gtk_window_get_transient_for (GTK_WINDOW (dialog)));
  g_autoptr (GError) error = NULL;

  g_signal_handlers_disconnect_by_data (task, dialog);
  if (response != GTK_RESPONSE_ACCEPT)
    ferry_task_cancel (task);
  else if (!ferry_task_answer (task, answer, strlen (answer), &error))
    complain (self, error->message);
  explicit_bzero (answer, strlen (answer));
  g_free (answer);
  gtk_window_destroy (GTK_WINDOW (dialog));
}

/* The task was cancelled, or 7z has ended. */
static void
question_changed (FerryTask *task, GParamSpec *pspec, GtkWindow *dialog)
{
  g_autofree char *question = NULL;

  g_object_get (task, "question", &question, NULL);
  if (question == NULL)
    gtk_window_destroy (dialog);
}

static void
password_changed (GtkEditable *entry, GtkWidget *pack_button)
{
  gtk_widget_set_sensitive (pack_button, *gtk_editable_get_text (entry) != '\0');
}

static void
asks_cb (FerryTask *task, const char *question, ConverterWindow *self)
{
  g_autoptr (GtkBuilder) builder = gtk_builder_new_from_resource ("/org/example/Converter/password-dialog.ui");
  GtkWindow *dialog = GTK_WINDOW (gtk_builder_get_object (builder, "dialog"));
  GObject *entry = gtk_builder_get_object (builder, "entry");
  g_autofree char *text = g_strdup_printf (_ ("Password for “%s”:"), ferry_task_get_name (task));

  gtk_label_set_label (GTK_LABEL (gtk_builder_get_object (builder, "label")), text);
  g_object_set_data (G_OBJECT (dialog), "entry", entry);
  g_signal_connect (entry, "changed", G_CALLBACK (password_changed), gtk_builder_get_object (builder, "pack_button"));
  g_signal_connect_object (task, "notify::question", G_CALLBACK (question_changed), dialog, 0);
  g_signal_connect_object (dialog, "response", G_CALLBACK (response_cb), task, 0);
  gtk_window_set_transient_for (dialog, GTK_WINDOW (self));
  gtk_window_present (dialog);
}

/* Of each task, also of one that somebody tries again, and those of earlier runs. */
static void
tasks_changed (GListModel *tasks, guint position, guint removed, guint added, ConverterWindow *self)
{
  for (guint i = position; i < position + added; i++)
    {
      g_autoptr (FerryTask) task = g_list_model_get_item (tasks, i);

      g_signal_handlers_disconnect_by_data (task, self); /* it may have been in another place */
      g_signal_connect_object (task, "asks", G_CALLBACK (asks_cb), self, 0);
      g_signal_connect_object (task, "done", G_CALLBACK (done_cb), self, 0);
    }
}

/* ---- files ---- */

/* What is no video and no picture goes to the rest. */
static void
take_file (ConverterWindow *self, const char *path, GPtrArray *rest)
{
  g_autofree char *type = g_content_type_guess (path, NULL, 0, NULL), *mime_type = g_content_type_get_mime_type (type);
  g_autoptr (GPtrArray) paths = g_ptr_array_new ();
  gboolean is_png = g_strcmp0 (mime_type, "image/png") == 0;

  g_ptr_array_add (paths, (char *) path);
  if (is_png || g_strcmp0 (mime_type, "image/jpeg") == 0)
    submit (self, self->others, "shrink", path, ".small", is_png ? ".png" : ".jpg", paths);
  else if (mime_type != NULL && g_str_has_prefix (mime_type, "video/"))
    submit (self, self->videos, "convert", path, "", ".webm", paths);
  else
    g_ptr_array_add (rest, (char *) path);
}

void
converter_window_open (ConverterWindow *self, GFile **files, guint n_files)
{
  g_autoptr (GPtrArray) rest = g_ptr_array_new ();
  g_autofree char *folder = NULL, *archive = NULL;

  if (self->tasks == NULL)
    return; /* the bar says why */
  for (guint i = 0; i < n_files; i++)
    if (self->n_open < 2)
      g_ptr_array_add (self->early, g_object_ref (files[i]));
    else if (g_file_peek_path (files[i]) != NULL)
      take_file (self, g_file_peek_path (files[i]), rest);
    else
      complain (self, _ ("Only files of this computer can be opened."));
  if (rest->len == 0)
    return;
  folder = g_path_get_dirname (rest->pdata[0]);
  archive =
    rest->len > 1 ? g_build_filename (folder, _ ("Archive.7z"), NULL) : g_strconcat (rest->pdata[0], ".7z", NULL);
  submit (self, self->others, "pack", archive, "", ".7z", rest);
}

static gboolean
drop_cb (GtkDropTarget *target, const GValue *value, double x, double y, ConverterWindow *self)
{
  g_autoptr (GSList) list = gdk_file_list_get_files (g_value_get_boxed (value));
  g_autoptr (GPtrArray) files = g_ptr_array_new ();

  for (GSList *file = list; file != NULL; file = file->next)
    g_ptr_array_add (files, file->data);
  converter_window_open (self, (GFile **) files->pdata, files->len);
  return TRUE;
}

static void
chosen_cb (GtkNativeDialog *dialog, int response, ConverterWindow *self)
{
  g_autoptr (GListModel) model = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (dialog));
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; response == GTK_RESPONSE_ACCEPT && i < g_list_model_get_n_items (model); i++)
    g_ptr_array_add (files, g_list_model_get_item (model, i));
  converter_window_open (self, (GFile **) files->pdata, files->len);
  g_object_unref (dialog);
}

/* Both actions: a file chooser shows either files or folders. */
static void
open_activated (GtkWidget *widget, const char *name, GVariant *parameter)
{
  gboolean is_folder = g_str_equal (name, "win.open-folder");
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (
    is_folder ? _ ("Pack Folder") : _ ("Open Files"), GTK_WINDOW (widget),
    is_folder ? GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER : GTK_FILE_CHOOSER_ACTION_OPEN, NULL, NULL);

  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (chosen_cb), widget, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* ---- the window ---- */

static void
say_what_is_missing (ConverterWindow *self)
{
  static const char *const needs[][4] = {
    /* of the programs, one is enough */
    {N_ ("Install ffmpeg to convert videos."), "ffmpeg"},
    {N_ ("Install pngquant to make PNG pictures smaller."), "pngquant", "oxipng", "optipng"},
    {N_ ("Install jpegoptim to make JPEG pictures smaller."), "jpegoptim", "jpegtran"},
    {N_ ("Install 7z to pack files."), "7z", "7zz", "7za"}};
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (needs); i++)
    {
      g_autofree char *path = NULL;

      for (guint j = 1; j < G_N_ELEMENTS (needs[i]) && needs[i][j] != NULL && path == NULL; j++)
        path = g_find_program_in_path (needs[i][j]);
      if (path == NULL)
        g_string_append_printf (text, "%s%s", text->len > 0 ? "\n" : "", _ (needs[i][0]));
    }
  gtk_label_set_label (self->missing, text->str);
  gtk_widget_set_visible (GTK_WIDGET (self->missing), text->len > 0);
}

static void
opened_cb (GObject *queue, GAsyncResult *result, gpointer window)
{
  g_autoptr (ConverterWindow) self = window;
  g_autoptr (GError) error = NULL;

  if (!ferry_queue_open_finish (FERRY_QUEUE (queue), result, &error))
    complain (self, error->message); /* such as that another Converter has it */
  else if (++self->n_open == 2)
    converter_window_open (self, (GFile **) self->early->pdata, self->early->len);
}

/* Returns (nullable): a queue in front of workers. */
static FerryQueue *
make_queue (ConverterWindow *self, const char *name, guint max_workers, GError **error)
{
  const char *built = g_getenv ("CONVERTER_WORKER"); /* to run it from the build folder */
  g_autoptr (FerryExecutor) executor = ferry_executor_new_for_program (built != NULL ? built : WORKER, error);
  g_autofree char *path = g_build_filename (g_get_user_state_dir (), "org.example.Converter", name, NULL);

  if (executor == NULL)
    return NULL;
  if (max_workers > 0)
    ferry_pool_set_max_workers (ferry_executor_get_pool (executor), max_workers);
  return ferry_queue_new (executor, path);
}

static void
show_queues (ConverterWindow *self)
{
  GListStore *queues = g_list_store_new (G_TYPE_LIST_MODEL);

  g_list_store_append (queues, self->videos);
  g_list_store_append (queues, self->others);
  self->tasks = G_LIST_MODEL (gtk_flatten_list_model_new (G_LIST_MODEL (queues)));
  g_signal_connect_object (self->tasks, "items-changed", G_CALLBACK (tasks_changed), self, 0);
  g_object_set (self->banner, "tasks", self->tasks, NULL);
  g_object_set (self->list, "tasks", self->tasks, NULL);
  ferry_task_guard_add (self->tasks, GTK_WINDOW (self));
  ferry_queue_open_async (self->videos, NULL, opened_cb, g_object_ref (self));
  ferry_queue_open_async (self->others, NULL, opened_cb, g_object_ref (self));
}

static void
converter_window_dispose (GObject *object)
{
  ConverterWindow *self = CONVERTER_WINDOW (object);

  g_clear_object (&self->tasks);
  g_clear_object (&self->videos);
  g_clear_object (&self->others);
  g_clear_pointer (&self->early, g_ptr_array_unref);

  G_OBJECT_CLASS (converter_window_parent_class)->dispose (object);
}

static void
converter_window_class_init (ConverterWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = converter_window_dispose;
  g_type_ensure (FERRY_TYPE_TASK_BANNER);
  g_type_ensure (FERRY_TYPE_TASK_LIST);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/example/Converter/converter-window.ui");
  gtk_widget_class_bind_template_child (widget_class, ConverterWindow, bar);
  gtk_widget_class_bind_template_child (widget_class, ConverterWindow, complaint);
  gtk_widget_class_bind_template_child (widget_class, ConverterWindow, banner);
  gtk_widget_class_bind_template_child (widget_class, ConverterWindow, list);
  gtk_widget_class_bind_template_child (widget_class, ConverterWindow, missing);
  gtk_widget_class_install_action (widget_class, "win.open", NULL, open_activated);
  gtk_widget_class_install_action (widget_class, "win.open-folder", NULL, open_activated);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_o, GDK_CONTROL_MASK, "win.open", NULL);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_o, GDK_CONTROL_MASK | GDK_SHIFT_MASK, "win.open-folder",
                                       NULL);
}

static void
converter_window_init (ConverterWindow *self)
{
  g_autoptr (GError) error = NULL;
  GtkDropTarget *target;

  gtk_widget_init_template (GTK_WIDGET (self));
  self->early = g_ptr_array_new_with_free_func (g_object_unref);
  g_signal_connect (self->bar, "response", G_CALLBACK (close_bar), NULL);
  g_signal_connect (self->list, "setup-row", G_CALLBACK (setup_row_cb), NULL);
  say_what_is_missing (self);
  self->videos = make_queue (self, "videos.db", 1, &error);
  self->others = self->videos != NULL ? make_queue (self, "others.db", 0, &error) : NULL;
  if (self->others == NULL)
    {
      complain (self, error->message);
      gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.open", FALSE);
      gtk_widget_action_set_enabled (GTK_WIDGET (self), "win.open-folder", FALSE);
      return;
    }
  show_queues (self);
  target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);
  g_signal_connect (target, "drop", G_CALLBACK (drop_cb), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}
