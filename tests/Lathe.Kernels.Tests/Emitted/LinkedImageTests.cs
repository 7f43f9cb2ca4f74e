using System.Diagnostics;
using System.Runtime.InteropServices;
using Lathe.Kernels.Llvm;
using Lathe.Kernels.Llvm.Objects;
using Lathe.Runtime;
using Lathe.Runtime.Native;
using Lathe.Runtime.Plans;

namespace Lathe.Kernels.Tests.Emitted;

/// <summary>Native code as files that the system loads.</summary>
public sealed unsafe class LinkedImageTests
{
    // Adds 1 to the function of the runtime that is the second of the table, by way of the table: two parts, each with its own.
    private const string Text = """
        @lathe.functions = hidden externally_initialized global [17 x ptr] zeroinitializer, section ".lathe.functions", align 8
        define hidden double @kernel(double %x) nounwind {
          %f = load ptr, ptr getelementptr (ptr, ptr @lathe.functions, i64 1)
          %y = call double %f(double %x)
          %z = fadd double %y, 1.0
          ret double %z
        }
        """;

    private string _folder = "";

    [OneTimeSetUp]
    public void NeedsLibLLVM()
    {
        if (ObjectCompiler.Version is null || !OperatingSystem.IsLinux() || !CpuFeatures.CanRun(Isa.Avx2)) Assert.Ignore("Native kernels cannot be made or run here.");
        _folder = Directory.CreateTempSubdirectory("lathe-").FullName;
    }

    [OneTimeTearDown]
    public void TearDown()
    {
        if (_folder.Length > 0) Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void Library_IsLoaded_AndCallsTheRuntime() => Check(Write("library.so", Image("lathe_library").ToLibrary()), "lathe_library");

    [Test]
    public void ObjectFile_IsLinked_AndCallsTheRuntime()
    {
        string file = Write("object.o", Image("lathe_object").ToObject()), library = Path.Combine(_folder, "linked.so"), again = Write("again.o", Image("lathe_object").ToObject());
        // Twice the same code: one is taken.
        if (Run("gcc", "-shared", "-nostdlib", "-Wl,--fatal-warnings", "-Wl,-z,text", "-o", library, file, again) is not { } said) Assert.Ignore("There is no gcc.");
        else Assert.That(said, Is.Empty);
        Check(library, "lathe_object");
    }

    [Test]
    public void Files_NameTheFunctions()
    {
        foreach (byte[] file in (byte[][])[Image("lathe_names").ToLibrary(), Image("lathe_names").ToObject()])
            Assert.That(System.Text.Encoding.Latin1.GetString(file), Does.Contain("\0kernel.avx2\0").And.Contain("\0kernel.avx512\0").And.Contain("\0lathe_names\0"));
    }

    [Test]
    public void ObjectFile_IsReadAsOne()
    {
        ElfObject elf = new(Image("lathe_read").ToObject());
        Assert.That(elf.Sections.Select(s => s.Name), Is.EqualTo(new[] { "", ".text", ".bss", ".symtab", ".strtab", ".rela.text", ".note.GNU-stack", ".shstrtab" }));
        // One for the table's place, and one for each of the two functions.
        Assert.That(elf.Relocations().Select(r => (r.Symbol.Name, r.Type)), Is.EqualTo(new[] { (".bss", 24u), (".bss", 2u), (".bss", 2u) }));
    }

    private static LinkedImage Image(string symbol)
    {
        NativeCode Code(Isa isa) => NativeCode.Join([Flattening.Run(ObjectCompiler.Compile(Text, CpuLevel.Of(isa)!), ["kernel"])]);
        return new LinkedImage(symbol, [(Isa.Avx512, Code(Isa.Avx512)), (Isa.Avx2, Code(Isa.Avx2))]);
    }

    private static void Check(string library, string symbol)
    {
        nint handle = NativeLibrary.Load(library);
        try
        {
            nint table = ((delegate* unmanaged<nint>)NativeLibrary.GetExport(handle, symbol))();
            LinkedCode code = new(table);
            Assert.That(((delegate* unmanaged<ulong>)code[LinkedCode.SavedState])() & 6, Is.EqualTo(6), "the system saves ymm");
            uint mode = ((delegate* unmanaged<uint>)code[LinkedCode.GetMode])();
            ((delegate* unmanaged<uint, void>)code[LinkedCode.SetMode])(mode);
            Assert.That(((delegate* unmanaged<uint>)code[LinkedCode.GetMode])(), Is.EqualTo(mode));
            // What the runtime does when it has found the table.
            ((nint*)code[LinkedCode.Functions])[1] = (nint)(delegate* unmanaged<double, double>)&Twice;
            foreach (Isa isa in (Isa[])[Isa.Avx2, Isa.Avx512])
                if (CpuFeatures.CanRun(isa)) Assert.That(((delegate* unmanaged<double, double>)code.KernelsOf(isa))(20.5), Is.EqualTo(42), isa.Name());
            Assert.That(code.KernelsOf(Isa.Vector128), Is.EqualTo((nint)0));
            string line = File.ReadLines("/proc/self/maps").Single(l => Contains(l, code.KernelsOf(Isa.Avx2)));
            Assert.That(line.Split(' ')[1], Is.EqualTo("r-xp"));
        }
        finally
        {
            NativeLibrary.Free(handle);
        }
    }

    private static bool Contains(string line, nint address)
    {
        string[] range = line.Split(' ')[0].Split('-');
        return address >= Convert.ToInt64(range[0], 16) && address < Convert.ToInt64(range[1], 16);
    }

    [UnmanagedCallersOnly]
    private static double Twice(double x) => 2 * x;

    private static string? Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            string said = process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0 ? said : said + $" exit {process.ExitCode}";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
