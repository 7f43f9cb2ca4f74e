namespace Lathe.Compiler.Diagnostics;

/// <summary>
/// Every kind of diagnostic, by range: 00xx import, 01xx inference, 02xx lowering, 03xx kernels, 04xx build, 05xx runtime, 06xx command line, 07xx quantisation, 09xx generator.
/// A new one takes the next free number of its range; numbers are never used again.
/// </summary>
public static class DiagnosticTable
{
    /// <summary>The file cannot be read.</summary>
    public static readonly DiagnosticDescriptor FileNotReadable = new("LATHE0001", Severity.Error, "the model cannot be read: {0}");

    /// <summary>The file is no ONNX model.</summary>
    public static readonly DiagnosticDescriptor NotAModel = new("LATHE0002", Severity.Error, "the file is not an ONNX model: {0}");

    /// <summary>The model breaks a rule of the ONNX format.</summary>
    public static readonly DiagnosticDescriptor MalformedModel = new("LATHE0003", Severity.Error, "the model is malformed: {0}");

    /// <summary>Operators that Lathe does not have.</summary>
    public static readonly DiagnosticDescriptor UnsupportedOperator = new("LATHE0004", Severity.Error, "operator '{0}' is not supported{1}");

    /// <summary>An attribute is missing, of the wrong kind, or has a value outside its range.</summary>
    public static readonly DiagnosticDescriptor BadAttribute = new("LATHE0005", Severity.Error, "attribute '{0}' of {1}: {2}");

    /// <summary>External data lies outside the model's folder, is missing or too short.</summary>
    public static readonly DiagnosticDescriptor BadExternalData = new("LATHE0006", Severity.Error, "external data of tensor '{0}': {1}");

    /// <summary>An option names something that the model does not have, or contradicts it.</summary>
    public static readonly DiagnosticDescriptor BadOption = new("LATHE0007", Severity.Error, "option {0}: {1}");

    /// <summary>A type that Lathe has no tensors of.</summary>
    public static readonly DiagnosticDescriptor UnsupportedType = new("LATHE0008", Severity.Error, "{0}: the type {1} is not supported");

    /// <summary>The model is written for a version of an operator set that Lathe does not know.</summary>
    public static readonly DiagnosticDescriptor UnsupportedOpset = new("LATHE0009", Severity.Error, "operator set {0} version {1} is not supported: {2}");

    /// <summary>An operator's inputs do not fit it.</summary>
    public static readonly DiagnosticDescriptor BadInputs = new("LATHE0101", Severity.Error, "{0}: {1}");

    /// <summary>A shape is too large or its arithmetic overflows.</summary>
    public static readonly DiagnosticDescriptor ShapeTooLarge = new("LATHE0102", Severity.Error, "{0}: the shape is too large ({1})");

    /// <summary>A shape depends on data in a way that is not supported.</summary>
    public static readonly DiagnosticDescriptor DataDependentShape = new("LATHE0103", Severity.Error, "{0}: the output's shape depends on data: {1}");

    /// <summary>Of two branches of different ranks one is compiled, and the condition is checked when the model runs.</summary>
    public static readonly DiagnosticDescriptor AssumedBranch = new("LATHE0104", Severity.Warning, "{0}: {1}: the first is assumed, and inputs that ask for the second are refused");

    /// <summary>An operator has a form that no kernel computes.</summary>
    public static readonly DiagnosticDescriptor NotLowered = new("LATHE0201", Severity.Error, "{0} cannot be compiled: {1}");

    /// <summary>A tuning record has a choice for something that has no such choice: it was changed, or made by another version.</summary>
    public static readonly DiagnosticDescriptor NoCandidate = new(
        "LATHE0202", Severity.Error, "the tuning record chooses '{2}' for {0} {1}, which is none of its candidates ({3}): tune the model again");

    /// <summary>An operator runs on the CPU only.</summary>
    public static readonly DiagnosticDescriptor NotOnDevice = new("LATHE0205", Severity.Error, "{0} is not available on {1}: it runs on the CPU only, which was not asked for");

    /// <summary>Nothing in a tuning record is about the model.</summary>
    public static readonly DiagnosticDescriptor TuningUnused = new(
        "LATHE0203", Severity.Warning, "none of the {0} entries of the tuning record fits the model compiled for {1}: the defaults are taken");

    /// <summary>A tuning record cannot be understood.</summary>
    public static readonly DiagnosticDescriptor BadTuningRecord = new("LATHE0204", Severity.Error, "the tuning record is malformed at line {0}: {1}");

    /// <summary>Weights stay in 32 bits although fewer are asked for.</summary>
    public static readonly DiagnosticDescriptor WeightsNotNarrowed = new(
        "LATHE0209", Severity.Warning, "{0}: its weights stay in fp32: {1}");

    /// <summary>A line of a file of rules about nodes is none.</summary>
    public static readonly DiagnosticDescriptor BadRule = new("LATHE0230", Severity.Error, "{0}, line {1}: {2}");

    /// <summary>A rule is about no node.</summary>
    public static readonly DiagnosticDescriptor RuleWithoutNodes = new("LATHE0231", Severity.Error, "{0}, line {1}: '{2}' is the name of nothing in the model");

    /// <summary>A list of devices has one that there is not.</summary>
    public static readonly DiagnosticDescriptor UnknownDevice = new("LATHE0232", Severity.Error, "there is no device '{0}'; there are {1}");

    /// <summary>A list of devices has one twice, or lacks the CPU.</summary>
    public static readonly DiagnosticDescriptor BadDeviceList = new("LATHE0233", Severity.Error, "the list of devices '{0}' cannot be used: {1}");

    /// <summary>A node is to run where it cannot.</summary>
    public static readonly DiagnosticDescriptor ImpossibleAffinity = new("LATHE0234", Severity.Error, "{0} is to run on {1} ({2}), which is impossible: {3}");

    /// <summary>What computes in a precision that a device does not have stays on the CPU.</summary>
    public static readonly DiagnosticDescriptor PrecisionNotOnDevice = new("LATHE0235", Severity.Warning, "{0} does not compute in {1}: {2} steps, of which '{3}' is the first, stay on other devices");

    /// <summary>A device profile cannot be understood.</summary>
    public static readonly DiagnosticDescriptor BadDeviceProfile = new("LATHE0236", Severity.Error, "the device profile is malformed: {0}");

    /// <summary>What is placed on a device takes more memory than its profile says that it has.</summary>
    public static readonly DiagnosticDescriptor DeviceMemory = new("LATHE0237", Severity.Warning, "{0} has {1} bytes of memory by its profile, and the model takes {2} there: {3} for weights, {4} for a request");

    /// <summary>What native kernels need is not there.</summary>
    public static readonly DiagnosticDescriptor NoLibLLVM = new(
        "LATHE0301", Severity.Warning, "native kernels are wanted and libLLVM (15 or later) is not installed: the kernels are C#");

    /// <summary>A mistake in Lathe itself.</summary>
    public static readonly DiagnosticDescriptor InternalError = new("LATHE0000", Severity.Error, "internal error: {0}");

    /// <summary>The command line is not understood.</summary>
    public static readonly DiagnosticDescriptor WrongUsage = new("LATHE0601", Severity.Error, "{0}");

    /// <summary>A file with a tensor for an input or output cannot be used.</summary>
    public static readonly DiagnosticDescriptor BadTensorFile = new("LATHE0602", Severity.Error, "tensor '{0}': {1}");

    /// <summary>A result cannot be written.</summary>
    public static readonly DiagnosticDescriptor NotWritable = new("LATHE0603", Severity.Error, "'{0}' cannot be written: {1}");

    /// <summary>There are no test data, or they do not fit the model.</summary>
    public static readonly DiagnosticDescriptor BadTestData = new("LATHE0604", Severity.Error, "test data '{0}': {1}");

    /// <summary>Something asked for is done in another way or not at all, and the result is still right.</summary>
    public static readonly DiagnosticDescriptor OptionWithoutEffect = new("LATHE0605", Severity.Warning, "option {0}: {1}");

    /// <summary>The process that measures did not give a result.</summary>
    public static readonly DiagnosticDescriptor MeasurementFailed = new("LATHE0606", Severity.Error, "the measuring process failed: {0}");

    /// <summary>The user stopped the command.</summary>
    public static readonly DiagnosticDescriptor Cancelled = new("LATHE0607", Severity.Error, "cancelled");

    /// <summary>The machine's memory is not enough.</summary>
    public static readonly DiagnosticDescriptor OutOfMemory = new("LATHE0608", Severity.Error, "there is not enough memory");

    /// <summary>What the model computes is not what its test data say.</summary>
    public static readonly DiagnosticDescriptor VerificationFailed = new("LATHE0609", Severity.Error, "{0}, output '{1}': {2}");

    /// <summary>A note of the runtime.</summary>
    public static readonly DiagnosticDescriptor RuntimeWarning = new("LATHE0610", Severity.Warning, "{0}");

    /// <summary>A line of a file of expected failures is none.</summary>
    public static readonly DiagnosticDescriptor BadExpectedFailures = new("LATHE0611", Severity.Error, "line {0}: {1}");

    /// <summary>A case passed although it is expected not to.</summary>
    public static readonly DiagnosticDescriptor UnexpectedPass = new("LATHE0612", Severity.Error, "case '{0}' passed, which was not expected ({1})");

    /// <summary>A case did not pass although it is expected to.</summary>
    public static readonly DiagnosticDescriptor UnexpectedFailure = new("LATHE0613", Severity.Error, "case '{0}' is {1}, which was not expected: {2}");

    /// <summary>Kernels run in software.</summary>
    public static readonly DiagnosticDescriptor EmulatedKernels = new(
        "LATHE0614", Severity.Warning, "--emulate: the {0} kernels run in software on {1}, slowly; the option is for tests");

    /// <summary>An assembly cannot be compiled ahead of time.</summary>
    public static readonly DiagnosticDescriptor NotPrecompiled = new("LATHE0615", Severity.Error, "not compiled ahead of time: {0}");

    /// <summary>Choices were measured elsewhere.</summary>
    public static readonly DiagnosticDescriptor TuningOfAnotherCpu = new(
        "LATHE0616", Severity.Warning, "the tuning record was measured on '{0}', and this machine is '{1}': its choices may be slow here");

    /// <summary>A lower precision costs more accuracy than it may.</summary>
    public static readonly DiagnosticDescriptor OverBudget = new("LATHE0620", Severity.Error, OverBudgetText);

    /// <summary>The same, where the user only wants to know.</summary>
    public static readonly DiagnosticDescriptor OverBudgetWarning = new("LATHE0621", Severity.Warning, OverBudgetText);

    /// <summary>What a lower precision loses is asked of a model that has none but that.</summary>
    public static readonly DiagnosticDescriptor NothingToCompareWith = new("LATHE0622", Severity.Error, "the model is quantised: there is no model of floats to compare it with; lathe accuracy takes one with --against");

    /// <summary>A rule about precisions names nothing that has one.</summary>
    public static readonly DiagnosticDescriptor RuleWithoutProducts = new(
        "LATHE0630", Severity.Warning, "{0}, line {1}: '{2}' names no convolution and no product, nor what is computed with one: the rule has no effect");

    /// <summary>A rule asks for bytes where nothing is quantised.</summary>
    public static readonly DiagnosticDescriptor RuleNeedsCalibration = new(
        "LATHE0631", Severity.Error, "{0}, line {1}: int8 is for models that are quantised as they are compiled: --precision int8 with samples, --calibration");

    /// <summary>No choice of layers keeps to a budget.</summary>
    public static readonly DiagnosticDescriptor MixedBudgetNotMet = new(
        "LATHE0632", Severity.Error, "no choice of layers that stay in fp32 keeps to the budget of {0}: with all in {1} it is {2}, and {3} layers may be chosen from");

    /// <summary>A lower precision would not be faster.</summary>
    public static readonly DiagnosticDescriptor PrecisionIsSlower = new(
        "LATHE0633", Severity.Warning, "{0} is predicted to be slower than fp32 on {1}, by {2} %");

    /// <summary>Calibration samples are missing, cannot be read, or do not fit the model.</summary>
    public static readonly DiagnosticDescriptor BadCalibration = new("LATHE0701", Severity.Error, "calibration '{0}': {1}");

    /// <summary>A value that is to be quantised has no range.</summary>
    public static readonly DiagnosticDescriptor NotFinite = new("LATHE0702", Severity.Error, "the value '{0}' is infinite or no number for the calibration sample '{1}'");

    /// <summary>What is to be quantised is quantised.</summary>
    public static readonly DiagnosticDescriptor AlreadyQuantized = new("LATHE0703", Severity.Error, "the model is quantised already");

    /// <summary>Nothing in a model multiplies bytes when it is quantised.</summary>
    public static readonly DiagnosticDescriptor NothingToQuantize = new("LATHE0704", Severity.Error, "there is nothing to quantise: {0}");

    /// <summary>What a quantised model computes has little to do with what the model computes.</summary>
    public static readonly DiagnosticDescriptor AccuracyLost = new(
        "LATHE0705", Severity.Warning, "the output '{0}' of the quantised model has {1} over the calibration samples: look at its accuracy, and raise --min-sqnr");

    /// <summary>A float model is to be computed with bytes, and nothing says which ranges its values have.</summary>
    public static readonly DiagnosticDescriptor NeedsCalibration = new(
        "LATHE0706", Severity.Error, "int8 is asked for and the model is not quantised: give samples with --calibration");

    /// <summary>A model cannot be brought to the operator set that a quantised one needs.</summary>
    public static readonly DiagnosticDescriptor NotUpgraded = new("LATHE0707", Severity.Error, "{0} cannot be brought to opset {1}, which a quantised model needs: {2}");

    private const string OverBudgetText = "the accuracy budget of {0} is exceeded: in {1}, over {2} samples, {3}; the layers with the largest errors are {4}";
}
